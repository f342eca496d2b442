"""Writes release/civo-snapshots.cdx.json: what a release was tested with, as CycloneDX 1.6.

Run it in an environment in which the package is installed without extras (`nox -s sbom`). What it
writes has neither a time nor a random number in it, so that equal environments give equal files.
"""

import json
import sys
import uuid
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

SBOM = Path(__file__).with_name("civo-snapshots.cdx.json")
PACKAGE = "civo-snapshots"
MADE_ON = (3, 11)


def required_by(found: Distribution) -> list[str]:
    """What a distribution needs here, without its extras."""
    wanted = [Requirement(text) for text in found.requires or ()]
    applies = (one for one in wanted if not one.marker or one.marker.evaluate({"extra": ""}))
    return sorted({canonicalize_name(one.name) for one in applies})


def closure() -> dict[str, Distribution]:
    """The package and everything that it needs, by name."""
    found: dict[str, Distribution] = {}
    left = [PACKAGE]
    while left:
        name = left.pop()
        if name not in found:
            found[name] = distribution(name)
            left += required_by(found[name])
    return dict(sorted(found.items()))


def component(name: str, found: Distribution, kind: str = "library") -> dict[str, object]:
    url = f"pkg:pypi/{name}@{found.version}"
    told: dict[str, object] = {
        "type": kind,
        "bom-ref": url,
        "name": name,
        "version": found.version,
        "purl": url,
    }
    if "License-Expression" in found.metadata:
        told["licenses"] = [{"expression": found.metadata["License-Expression"]}]
    return told


def sbom() -> dict[str, object]:
    found = closure()
    refs = {name: f"pkg:pypi/{name}@{one.version}" for name, one in found.items()}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(refs))}",
        "version": 1,
        "metadata": {"component": component(PACKAGE, found[PACKAGE])},
        "components": [component(name, one) for name, one in found.items() if name != PACKAGE],
        "dependencies": [
            {"ref": refs[name], "dependsOn": [refs[need] for need in required_by(one)]}
            for name, one in found.items()
        ],
    }


def pins() -> list[str]:
    """What the committed file lists, as constraints for pip."""
    listed = json.loads(SBOM.read_text())["components"]
    return [f"{one['name']}=={one['version']}" for one in listed]


def strangers() -> set[str]:
    """What is installed and not listed, or listed and not installed where the list was made.

    A newer Python needs less than the oldest one.
    """
    listed = set(pins())
    installed = {f"{name}=={one.version}" for name, one in closure().items() if name != PACKAGE}
    return listed ^ installed if sys.version_info[:2] == MADE_ON else installed - listed


def main(command: str) -> int:
    if command == "write":
        SBOM.write_text(json.dumps(sbom(), indent=2) + "\n")
    elif command == "pins":
        print("\n".join(pins()))
    elif command == "check" and (wrong := strangers()):
        print(f"{SBOM.name} differs from what is installed: {sorted(wrong)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
