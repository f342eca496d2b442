"""What autodoc has to be told of this package.

Public classes live in private rooms and are shown where they are imported from. Code in a sentence
is a link where a public name is called so. A constructor that is not for users does not show.
"""

import importlib
import inspect
import re
from typing import Any, cast

from docutils import nodes
from docutils.parsers.rst.states import Inliner
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain
from sphinx.environment import BuildEnvironment
from sphinx.ext.napoleon import GoogleDocstring
from sphinx.pycode import ModuleAnalyzer

ROOMS = (
    "civo_snapshots",
    "civo_snapshots.models",
    "civo_snapshots.resources",
    "civo_snapshots.testing",
)
"""Where public names are imported from; what two of them have is named after the first."""

MADE_BY_USERS = {
    *("CivoClient", "PrometheusListener", "OpenTelemetryListener", "FakeRegion", "FakeClock"),
    *("Switches", "Timeouts", "RetryPolicy", "PollPolicy", "RetentionPolicy"),
}
"""Classes whose constructor is shown; records and errors are read, not made."""

OTHERS = {"aiohttp.client.ClientSession": "aiohttp.ClientSession"}
"""Classes of other packages, and where their own pages have them."""

_NAME = re.compile(r"(?=.*[.A-Z(])([A-Za-z_][\w.]*)(?:\(.*\))?", re.DOTALL)


def rename() -> dict[str, str]:
    """Let every public name be at home where it is imported from; where each was before."""
    moved = dict(OTHERS)
    homes: dict[Any, str] = {}
    for room in ROOMS:
        module = importlib.import_module(room)
        for name in module.__all__:
            found = getattr(module, name)
            if inspect.isclass(found) or inspect.isfunction(found):
                homes.setdefault(found, room)
            if name.endswith("Options"):  # a typed dict, whose signature is that of dict
                found.__signature__ = inspect.Signature()
    for found, room in homes.items():
        moved[f"{found.__module__}.{found.__name__}"] = f"{room}.{found.__name__}"
        found.__module__ = room
    return moved


MOVED = rename()


def analyse_where_it_is_written() -> None:
    """Find the order of members, and what stands below them, in the room that a class is from."""
    for room in ROOMS:
        shown = ModuleAnalyzer.for_module(room)
        shown.analyze()
        written = {
            old.rpartition(".")[0] for old, new in MOVED.items() if new.startswith(f"{room}.")
        }
        for module in sorted(written - set(ROOMS)):
            found = ModuleAnalyzer.for_module(module)
            found.analyze()
            for part in ("attr_docs", "annotations", "tagorder", "overloads", "tags"):
                getattr(shown, part).update(getattr(found, part))


def hide_constructor(
    _app: Sphinx, what: str, name: str, _obj: Any, _options: object, _sign: str, _returns: str
) -> tuple[str, None] | None:
    is_read = name.rpartition(".")[2] not in MADE_BY_USERS
    return ("", None) if what in ("class", "exception") and is_read else None


def drop_field_twins(
    _app: Sphinx, _what: str, name: str, obj: object, _skip: bool, _options: object
) -> bool | None:
    """Fields are told under "Attributes:" of their class, not one by one as members again."""
    return True if inspect.ismemberdescriptor(obj) and not inspect.getdoc(obj) else None


def public(
    _name: str, raw: str, text: str, _line: int, inliner: Inliner, *_: object
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """The role of a word in single backticks."""
    return [nodes.literal(raw, text.replace("\\", ""))], []


def link_code(app: Sphinx, doctree: nodes.document) -> None:
    for code in list(doctree.findall(nodes.literal)):
        around = code.parent
        if isinstance(around, (pending_xref, nodes.reference, nodes.title)):
            continue
        if match := _NAME.fullmatch(code.astext()):
            link = pending_xref("", refdomain="", reftype="public", reftarget=match[1])
            link["owner"] = _owner(code)
            around.replace(code, link)
            link += code


def _owner(code: nodes.Node) -> str:
    """The class whose entry the code stands in; empty if in none."""
    around: Any = code.parent
    while around is not None:
        if around.tagname == "desc":
            signature = around.children[0]
            owner = signature.get("class") or signature.get("fullname", "")
            return f"{signature.get('module')}.{owner}"
        around = around.parent
    return ""


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, shown: nodes.Element
) -> nodes.Element | None:
    domain = cast("PythonDomain", env.domains["py"])
    target, is_code = node["reftarget"], node["reftype"] == "public"
    found = _found(domain, target, node["owner"]) if is_code else MOVED.get(target, "")
    if found not in domain.objects:
        node["reftarget"] = found or target  # another package's inventory may have it
        return shown if is_code else None
    document = domain.objects[found].docname
    if document == node.get("refdoc") and _encloses(node, found):
        return shown
    link = nodes.reference("", "", internal=True, reftitle=found)
    uri = app.builder.get_relative_uri(node["refdoc"], document)
    link["refuri"] = f"{uri}#{domain.objects[found].node_id}"
    link += shown
    return link


def _encloses(node: nodes.Node, name: str) -> bool:
    """Whether the code stands in the very entry that it would be a link to."""
    around: Any = node.parent
    while around is not None:
        signatures = around.children[:1] if around.tagname == "desc" else []
        if any(name in one.get("ids", ()) for one in signatures):
            return True
        around = around.parent
    return False


def _found(domain: PythonDomain, text: str, owner: str) -> str:
    """The one public name that is called so; of several methods its own, or that of `Snapshots`."""
    if f"{owner}.{text}" in domain.objects:
        return f"{owner}.{text}"
    text = text.replace("CivoClient.", "RegionView.")  # which it inherits all that it has from
    fitting = [name for name in domain.objects if name == text or name.endswith(f".{text}")]
    if len(fitting) > 1:
        fitting = [n for n in fitting if n in (f"civo_snapshots.{text}", f"{_SNAPSHOTS}.{text}")]
    return fitting[0] if len(fitting) == 1 else ""


_SNAPSHOTS = "civo_snapshots.resources.Snapshots"


def keep_whole(docstring: GoogleDocstring) -> tuple[str, list[str]]:
    """What stands before a colon in the sentence about a property or a constant is no type."""
    return "", docstring._consume_to_end()


def type_beside_name(
    _app: Sphinx, _what: str, _name: str, _obj: object, _options: object, lines: list[str]
) -> None:
    """Show the type of a field in its first line, as that of a property is."""
    at = 0
    for number, line in enumerate(list(lines)):
        if line.startswith(".. attribute::"):
            at = number
        elif line.startswith("   :type: "):
            lines.insert(at + 1, lines.pop(number))


def setup(app: Sphinx) -> dict[str, object]:
    GoogleDocstring._consume_inline_attribute = keep_whole  # type: ignore[method-assign]
    analyse_where_it_is_written()
    app.add_role("public", public)
    app.connect("autodoc-process-signature", hide_constructor)
    app.connect("autodoc-skip-member", drop_field_twins)
    app.connect("autodoc-process-docstring", type_beside_name, priority=900)
    app.connect("doctree-read", link_code)
    app.connect("missing-reference", resolve, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
