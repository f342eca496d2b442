"""How the site is made: `nox -s docs`. Nothing here needs a network."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

from civo_snapshots import __version__ as release  # noqa: E402

project = "civo_snapshots"
author = "The civo_snapshots developers"
project_copyright = author
html_title = f"civo_snapshots {release}"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.intersphinx",
    "myst_parser",
    "sphinx_copybutton",
    "public_names",
]
exclude_patterns = ["_build", "inventories/README.md"]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "source_repository": "https://github.com/civo-snapshots/civo-snapshots",
    "source_branch": "main",
    "source_directory": "docs/",
}
pygments_style = "friendly"
pygments_dark_style = "github-dark"
highlight_language = "python"
copybutton_exclude = ".linenos, .gp, .go"

myst_enable_extensions = ["colon_fence", "attrs_block"]
myst_heading_anchors = 3

nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(.*\.)?(T|Self)"),  # type variables have no page
    # Their inventories are not kept here.
    (r"py:.*", r"(opentelemetry|prometheus_client|airflow|dask|distributed)\..*"),
    (r"py:.*", r"civo_snapshots\.integrations\.dask\.BatchOptions"),  # of RunOptions, in words
    (r"py:.*", r"civo_snapshots\.testing\._.*"),  # what the fake's methods take and give
]

intersphinx_mapping = {
    "python": ("https://docs.python.org/3", str(HERE / "inventories" / "python.inv")),
    "aiohttp": ("https://docs.aiohttp.org/en/stable", str(HERE / "inventories" / "aiohttp.inv")),
    "attrs": ("https://www.attrs.org/en/stable", str(HERE / "inventories" / "attrs.inv")),
}
intersphinx_disabled_reftypes = ["std:*"]

default_role = "public"
autodoc_mock_imports = ["airflow", "dask", "distributed"]  # too large to be installed for a page
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = False
napoleon_attr_annotations = True
