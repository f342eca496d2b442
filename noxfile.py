"""Every check and every way to run the project; each session sets up what it needs."""

from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["tests"]

PYTHONS = ("3.12", "3.13", "3.14")
ALL = ".[cli,cron,opentelemetry,prometheus,pytest]"
CODE = (
    *("civo_snapshots", "tests", "benchmarks", "examples", "docs", "release"),
    *("noxfile.py", "hatch_build.py"),
)


def group(name: str) -> list[str]:
    """The requirements of a dependency group in pyproject.toml."""
    return list(nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), name))


@nox.session
def demo(session: nox.Session) -> None:
    """Run the main job, on the embedded region unless a real one is named."""
    session.install("-q", "-e", ".[cli]")
    session.run("civo-snapshots", "demo", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, in random order and in parallel, warnings as errors, with branch coverage."""
    session.install("-q", "-e", ALL, *group("test"))
    session.run(
        "pytest",
        "-n",
        "auto",
        "--cov",
        "--cov-report=term",
        "--cov-fail-under=95",
        *session.posargs,
    )


def tests_on(session: nox.Session) -> None:
    """All tests on another Python; skipped with a word, an error in CI, where it is missing."""
    session.install("-q", "-e", ALL, *group("test"))
    session.run("pytest", "-n", "auto", *session.posargs)


for version in PYTHONS:
    nox.session(python=version, name=f"tests-{version}")(tests_on)


@nox.session
def floors(session: nox.Session) -> None:
    """All tests with the oldest releases that pyproject.toml allows."""
    session.install("-q", "uv")
    session.run("uv", "pip", "install", "-q", "--resolution=lowest-direct", "-e", ALL)
    session.install("-q", *group("test"))
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session
def airflow(session: nox.Session) -> None:
    """Operator, trigger, sensor and connection in real Airflow."""
    session.install("-q", "uv", *group("test"))
    session.run("uv", "pip", "install", "-q", "-e", ".[airflow,pytest]")
    session.run("pytest", "-W", "default", "tests/engines/test_airflow.py", *session.posargs)


@nox.session
def dask(session: nox.Session) -> None:
    """Runs on real Dask clusters whose workers and drivers are killed; figures are printed."""
    session.install("-q", "-e", ".[dask,pytest]", *group("test"))
    session.run("pytest", "-s", "-W", "default", "tests/engines/test_dask.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and formatting."""
    session.install("-q", *group("lint"))
    session.run("ruff", "check", *CODE)
    session.run("ruff", "format", "--check", *CODE)


@nox.session
def types(session: nox.Session) -> None:
    """Two strict type checkers, on the code, the examples and the blocks of the pages."""
    session.install("-q", "-e", ALL, *group("types"))
    session.run("mypy")
    session.run("pyright")
    pages = session.create_tmp()
    session.run("python", "tests/support/docs.py", pages)
    session.run("mypy", "--strict", pages)
    session.run("pyright", pages)


@nox.session
def mutants(session: nox.Session) -> None:
    """Whether the tests of a room notice changes of a module: `-s mutants -- limiter`."""
    session.install("-q", "-e", ".[cli,opentelemetry,prometheus,pytest]", *group("mutants"))
    session.run("python", "tests/mutants/run.py", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The site, into docs/_build; what cannot be resolved is an error, and no network is needed."""
    session.install("-q", "uv")  # which takes a tenth of the time
    session.run("uv", "pip", "install", "-q", "-e", ALL, *group("docs"))
    options = ("-n", "-W", "-q", "-j", "auto", "-b", "html")
    session.run("sphinx-build", *options, "docs", "docs/_build", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """The wheel and the source archive, into dist/; twice, and both times the same bytes."""
    session.install("-q", *group("release"))
    when = str(session.run("git", "log", "-1", "--format=%ct", external=True, silent=True)).strip()
    made = []
    for folder in (Path("dist"), Path(session.create_tmp())):
        for old in (*folder.glob("*.whl"), *folder.glob("*.tar.gz")):
            old.unlink()
        session.run(
            *("python", "-m", "build", "--outdir", str(folder)),
            env={"SOURCE_DATE_EPOCH": when},
            silent=True,
        )
        made.append(
            {one.name: one.read_bytes() for one in sorted(folder.iterdir()) if one.is_file()}
        )
    if made[0] != made[1]:
        session.error("two builds of one commit differ")
    files = [f"dist/{name}" for name in made[0]]
    session.run("twine", "check", "--strict", *files)
    session.run("check-wheel-contents", *(name for name in files if name.endswith(".whl")))


@nox.session(python=("3.11", "3.13"))
def wheel(session: nox.Session) -> None:
    """Whether the wheel in dist/ works without the sources, with what its SBOM lists; see build."""
    [found] = Path("dist").glob("*.whl")
    there = session.create_tmp()
    session.install("-q", "packaging")
    pins = Path(there, "pins.txt")
    pins.write_text(str(session.run("python", "release/sbom.py", "pins", silent=True)))
    session.install("-q", "--force-reinstall", "-c", str(pins), str(found))
    session.run("python", "release/smoke.py", "bare", there)
    session.run("python", "release/sbom.py", "check")
    session.install("-q", "-c", str(pins), f"{found}[cli,pytest]")
    session.run("python", "release/smoke.py", "whole", there)


@nox.session(python="3.11")
def sbom(session: nox.Session) -> None:
    """Write the SBOM anew: what the package needs, in the newest releases that there are."""
    session.install("-q", "packaging", ".")
    session.run("python", "release/sbom.py", "write")


@nox.session
def api(session: nox.Session) -> None:
    """Whether a public name changed since the last release in a way that breaks its users."""
    session.install("-q", *group("review"))
    tags = str(
        session.run("git", "tag", "--list", "v*", "--sort=v:refname", external=True, silent=True)
    )
    if not tags.split():
        session.skip("there is no release yet to compare with")
    session.run(
        "griffe",
        "check",
        "civo_snapshots",
        "--against",
        tags.rsplit(maxsplit=1)[-1],
        "--search",
        ".",
    )


@nox.session
def workflows(session: nox.Session) -> None:
    """What an attacker could make of .github."""
    session.install("-q", *group("review"))
    session.run("zizmor", "--offline", "--persona=pedantic", ".github")


@nox.session
def bench(session: nox.Session) -> None:
    """The jobs of benchmarks/: hostile, reliability, speed, or one of them: `-s bench -- speed`."""
    session.install("-q", "-e", ".[cli]")
    suites = session.posargs[:1] or ["hostile", "reliability", "speed"]
    for suite in suites:
        session.run("python", "-m", f"benchmarks.{suite}", *session.posargs[1:])
