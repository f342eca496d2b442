"""What is in the wheel and in the source archive, and that building them again changes nothing."""

import email
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from support.docs import ROOT

from civo_snapshots import __version__

SBOM = f"civo_snapshots-{__version__}.dist-info/sboms/civo-snapshots.cdx.json"


def built(folder: Path, target: str) -> Path:
    command = (sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder))
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [found] = folder.iterdir()
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("sdist"), "sdist")


def sources() -> set[str]:
    package = ROOT / "civo_snapshots"
    found = {*package.rglob("*.py"), package / "py.typed"}
    return {str(one.relative_to(ROOT)) for one in found}


def test_the_wheel_holds_the_package_and_what_describes_it(wheel: Path) -> None:
    info = f"civo_snapshots-{__version__}.dist-info"
    about = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    expected = sources() | {f"{info}/{name}" for name in about} | {SBOM}
    assert set(zipfile.ZipFile(wheel).namelist()) == expected


def test_the_sdist_holds_what_is_needed_to_build_and_test_it(sdist: Path) -> None:
    root = f"civo_snapshots-{__version__}/"
    with tarfile.open(sdist) as archive:
        names = {name.removeprefix(root) for name in archive.getnames()}
    assert sources() <= names
    for needed in (
        "pyproject.toml",
        "hatch_build.py",
        "noxfile.py",
        "tests/conftest.py",
        "README.md",
    ):
        assert needed in names, needed
    assert "docs/inventories/python.inv" in names
    top = {name.partition("/")[0] for name in names}
    assert top == {
        *(
            "civo_snapshots",
            "tests",
            "benchmarks",
            "docs",
            "examples",
            "release",
            "typings",
            "README.md",
        ),
        *("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "noxfile.py", "PKG-INFO"),
        *("hatch_build.py", "pyproject.toml", ".gitignore"),
    }
    assert not [name for name in names if "__pycache__" in name or "docs/_build" in name]


def test_building_again_gives_the_same_bytes(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    for first, target in ((wheel, "wheel"), (sdist, "sdist")):
        again = built(tmp_path / target, target)
        assert again.read_bytes() == first.read_bytes(), target


def test_the_page_on_an_index_has_whole_addresses_only(wheel: Path) -> None:
    """There, a relative link leads nowhere and a relative picture is none."""
    [name] = [one for one in zipfile.ZipFile(wheel).namelist() if one.endswith("METADATA")]
    metadata = email.message_from_bytes(zipfile.ZipFile(wheel).read(name))
    assert metadata["Description-Content-Type"] == "text/markdown"
    text = str(metadata.get_payload())
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert len(targets) > 10
    assert all(one.startswith("https://") for one in targets)
    assert len(metadata.get_all("Project-URL", [])) >= 4


def test_the_sbom_lists_every_dependency(wheel: Path) -> None:
    told = json.loads(zipfile.ZipFile(wheel).read(SBOM))
    assert told["metadata"]["component"]["version"] == __version__
    listed = {one["name"] for one in told["components"]}
    direct = [one for one in requires("civo-snapshots") or () if "extra ==" not in one]
    assert {re.split(r"[^\w-]", one)[0] for one in direct} <= listed
    refs = {one["bom-ref"] for one in told["components"]}
    assert all(set(one["dependsOn"]) <= refs for one in told["dependencies"])


def test_the_changelog_begins_with_this_version_and_its_date() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    dated = [one for one in headings if re.fullmatch(r"[\d.]+ - \d{4}-\d{2}-\d{2}", one)]
    assert dated[0].partition(" ")[0] == __version__
    assert headings[0] in ("Unreleased", dated[0])
