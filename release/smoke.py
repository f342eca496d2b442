"""Is the wheel whole? Run by the interpreter of an environment that has nothing but the wheel.

Everything happens in the folder that is named, which is nobody's source tree.
"""

import subprocess
import sys
from importlib.metadata import files, version
from importlib.util import find_spec
from pathlib import Path

TEST = """
async def test_theirs(civo_client, civo_region, civo_clock):
    run = await civo_client.snapshots.create_many(civo_region.instance_ids, name="nightly")
    assert run.counts["complete"] == 3
"""


def run(*words: str, cwd: Path) -> str:
    done = subprocess.run(words, cwd=cwd, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def main(step: str, folder: Path) -> None:
    python, scripts = sys.executable, Path(sys.executable).parent
    spec = find_spec("civo_snapshots")
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).is_relative_to(sys.prefix), "this is not the installed wheel"
    if step == "bare":  # no extra is there
        said = run(
            python,
            "-c",
            "import civo_snapshots as c; print(*map(str, map(c.__getattr__, c.__all__[:-2])))",
            cwd=folder,
        )
        assert "CivoClient" in said
        told = subprocess.run(
            [scripts / "civo-snapshots"], cwd=folder, check=False, capture_output=True, text=True
        )
        assert told.returncode == 2
        assert "civo-snapshots[cli]" in told.stderr
        sboms = [one for one in files("civo-snapshots") or () if "sboms" in one.parts]
        assert len(sboms) == 1, sboms
    else:
        said = run(str(scripts / "civo-snapshots"), "--version", cwd=folder)
        assert version("civo-snapshots") in said, said
        said = run(str(scripts / "civo-snapshots"), "demo", cwd=folder)
        assert "All as staged" in said, said
        folder.joinpath("conftest.py").write_text(
            'pytest_plugins = ["civo_snapshots.testing.plugin"]'
        )
        folder.joinpath("test_theirs.py").write_text(TEST)
        folder.joinpath("pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
        assert "1 passed" in run(python, "-m", "pytest", "-q", cwd=folder)
    print(f"{step}: the wheel works on {sys.version.split()[0]}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
