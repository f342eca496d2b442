"""Job `tls`: the calls of `calls` over TLS, which costs both sides the same.

So it flatters whoever does more besides. The certificate is made for the run; without the command
that makes it the job has nothing to tell.
"""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from ._bench import Bench, Report, Run, ratios, values

_MAKE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
    "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
)


def run(bench: Bench) -> Report:
    report = Report("tls")
    if shutil.which("openssl") is None:
        return report
    with TemporaryDirectory() as folder:
        certificate = str(certificate_in(Path(folder)))
        spec = {"concurrency": 32, "count": bench.size(5_000, 500), "certificate": certificate}
        server = {"finished": 100, "certificate": certificate}
        runs = {name: Run(f"_{name}", "calls", spec, server) for name in ("sdk", "raw")}
        found = bench.interleave(runs, bench.rounds(3))
    for name in runs:
        report.note(f"{name} CPU, c=32", "us", values(found[name], "cpu_us"))
    report.note("sdk/raw CPU, c=32", "", ratios(found["sdk"], found["raw"], "cpu_us"))
    return report


def certificate_in(folder: Path) -> Path:
    """A certificate and its key, in one file."""
    subprocess.run(_MAKE.split(), cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return both
