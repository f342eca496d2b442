"""The official Go client's part of `benchmarks.speed calls`, as far as it needs no Go."""

from pathlib import Path

import pytest

from benchmarks.speed._civogo import NotBuiltError, build, pooled


def test_without_go_the_reason_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotBuiltError, match=r"^go: not installed$"):
        build(tmp_path / "calls")


def test_where_go_fails_its_last_line_is_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No network, an older Go, a client that no longer fits."""
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho 'go: downloading' >&2\necho '\tno such host' >&2\nexit 1\n")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotBuiltError, match=r"^go mod: no such host$"):
        build(tmp_path / "calls")


def test_all_requests_of_the_go_client_get_one_transport() -> None:
    """Whoever measured it with a connection per request would flatter the SDK."""
    before, after = "\treq.Close = false\n\t", "\n\tresp, err := c.httpClient.Do(req)\n"
    made = "c.httpClient.Transport = &http.Transport{\n\t\tDisableCompression: false,\n\t}"
    assert pooled(before + made + after) == before + "c.httpClient.Transport = pool" + after
    with pytest.raises(NotBuiltError, match=r"^civogo: makes its transport elsewhere"):
        pooled(before + after)
