"""Where token, region and address come from, and that no message ever shows a token."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from civo_snapshots._config import (
    DEFAULT_URL,
    Settings,
    check_region,
    check_token,
    check_url,
    resolve,
)
from civo_snapshots._http import Secret, TokenSource
from civo_snapshots.errors import ConfigurationError


def written(path: Path, **more: Any) -> str:
    """A file of the civo CLI; its keys are named after the file, to tell them apart."""
    name = path.stem.strip(".")
    data = {
        "apikeys": {"main": f"canary-{name}-main", "other": f"canary-{name}-other"},
        "meta": {
            "current_apikey": "main",
            "default_region": f"{name}-region",
            "url": f"https://{name}.example",
            "latest_release_check": "2026-01-01T00:00:00Z",
        },
        "region_to_features": {},
        **more,
    }
    path.write_text(json.dumps(data), encoding="utf-8")
    return str(path)


def home_file(tmp_path: Path, **more: Any) -> dict[str, str]:
    written(tmp_path / ".civo.json", **more)
    return {"HOME": str(tmp_path)}


def told(settings: Settings) -> tuple[str, str | None, str]:
    return revealed(settings), settings.region, settings.url


def revealed(settings: Settings) -> str:
    assert settings.token.present is not None
    return settings.token.present.reveal()


def refusal(environ: dict[str, str], **arguments: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        resolve(environ=environ, **arguments)
    text = f"{caught.value} {caught.value!r} {vars(caught.value)}"
    assert "canary" not in text
    # An error of the JSON parser holds the whole file, keys included.
    assert caught.value.__context__ is None
    return str(caught.value)


# Order


def test_each_source_of_a_token_comes_before_those_after_it(tmp_path: Path) -> None:
    """C137 and the order documented for the token."""
    (tmp_path / "home").mkdir()
    environ = {
        "CIVO_TOKEN": "canary-variable",
        "CIVO_CREDENTIAL_FILE": written(tmp_path / "credential.json"),
        "CIVO_CONFIG": written(tmp_path / "config.json"),
        "HOME": str(tmp_path / "home"),
    }
    written(tmp_path / "home" / ".civo.json")
    assert revealed(resolve("canary-argument", environ=environ)) == "canary-argument"
    found = []
    for source in ("CIVO_TOKEN", "CIVO_CREDENTIAL_FILE", "CIVO_CONFIG", "HOME"):
        found.append(revealed(resolve(environ=environ)))
        del environ[source]
    assert found == [
        "canary-variable",
        "canary-credential-main",
        "canary-config-main",
        "canary-civo-main",
    ]
    text = refusal(environ)
    for source in ("token=", "CIVO_TOKEN", "CIVO_CREDENTIAL_FILE", "CIVO_CONFIG", "~/.civo.json"):
        assert source in text


def test_region_and_address_come_from_argument_environment_and_file(tmp_path: Path) -> None:
    """C137."""
    environ = {"CIVO_CONFIG": written(tmp_path / "config.json")}
    token = "canary-config-main"
    assert told(resolve(environ=environ)) == (token, "config-region", "https://config.example")
    environ |= {"CIVO_REGION": "NYC1", "CIVO_API_URL": "https://variable.example"}
    assert told(resolve(environ=environ)) == (token, "NYC1", "https://variable.example")
    arguments: dict[str, Any] = {"region": "LON1", "api_url": "https://argument.example"}
    assert told(resolve(environ=environ, **arguments)) == (
        token,
        "LON1",
        "https://argument.example",
    )


@pytest.mark.parametrize("source", ["argument", "variable"])
def test_a_file_counts_as_a_whole_or_not_at_all(tmp_path: Path, source: str) -> None:
    """C130: its address was not made for a token from elsewhere."""
    environ = home_file(tmp_path)
    if source == "variable":
        settings = resolve(environ={**environ, "CIVO_TOKEN": "canary-token"})
    else:
        settings = resolve("canary-token", environ=environ)
    assert told(settings) == ("canary-token", None, DEFAULT_URL)


def test_no_region_is_ever_guessed() -> None:
    """C137."""
    assert resolve("canary", environ={}).region is None


def test_empty_variables_count_as_unset_except_the_token() -> None:
    """A token that is set to nothing is a mistake to report, not to ignore."""
    empty = {"CIVO_REGION": "", "CIVO_API_URL": "", "CIVO_CONFIG": "", "CIVO_CREDENTIAL_FILE": ""}
    assert told(resolve("canary", environ=empty)) == ("canary", None, DEFAULT_URL)
    assert "no API token" in refusal(empty)
    assert "from CIVO_TOKEN is empty" in refusal({"CIVO_TOKEN": ""})


def test_the_processes_own_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIVO_TOKEN", "canary")
    monkeypatch.setenv("CIVO_REGION", "LON1")
    assert told(resolve()) == ("canary", "LON1", DEFAULT_URL)


def test_the_home_of_other_systems_is_known_too(tmp_path: Path) -> None:
    home_file(tmp_path)
    assert revealed(resolve(environ={"USERPROFILE": str(tmp_path)})) == "canary-civo-main"


# Profiles


def test_a_profile_names_a_key_of_the_file(tmp_path: Path) -> None:
    environ = home_file(tmp_path)
    assert revealed(resolve(environ=environ, profile="other")) == "canary-civo-other"
    # Asked for by name, the file is meant, whatever token lies in the environment.
    environ["CIVO_TOKEN"] = "canary-variable"
    assert revealed(resolve(environ=environ, profile="other")) == "canary-civo-other"


def test_a_token_and_a_profile_contradict_each_other() -> None:
    assert refusal({}, token="canary", profile="x") == "pass token= or profile=, not both"


@pytest.mark.parametrize(
    ("more", "profile", "said"),
    [
        pytest.param({"apikeys": None}, None, "holds no API key", id="apikeys-null"),
        pytest.param({"apikeys": {}}, None, "holds no API key", id="apikeys-empty"),
        pytest.param({"apikeys": ["canary"]}, None, "holds no API key", id="apikeys-a-list"),
        pytest.param({"apikeys": None}, "main", "holds no API key", id="profile-of-none"),
        pytest.param({"meta": None}, None, "names no current API key", id="meta-null"),
        pytest.param(
            {"meta": {"current_apikey": ""}}, None, "names no current API key", id="current-empty"
        ),
        pytest.param(
            {"meta": {"current_apikey": 5}}, None, "names no current API key", id="current-number"
        ),
        pytest.param(
            {"meta": {"current_apikey": "gone"}},
            None,
            "has no API key named 'gone'; it has: main, other",
            id="current-dangling",
        ),
        pytest.param({}, "nobody", "named 'nobody'; it has: main, other", id="profile-unknown"),
        pytest.param(
            {"apikeys": {"main": None}}, None, "has no API key named 'main'", id="key-null"
        ),
        pytest.param({"apikeys": {"main": ""}}, None, "from ~/.civo.json is empty", id="key-empty"),
        pytest.param(
            {"apikeys": {"main": "canary with spaces"}}, None, "or has spaces", id="key-mangled"
        ),
    ],
)
def test_each_gap_in_a_file_has_its_own_message(
    tmp_path: Path, more: dict[str, Any], profile: str | None, said: str
) -> None:
    text = refusal(home_file(tmp_path, **more), profile=profile)
    assert "~/.civo.json" in text
    assert said in text
    assert str(tmp_path) not in text


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b'{"apikeys": {"main": "canary"', "is not JSON"),
        (b'{"apikeys": {"main": "canary\xff"}}', "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'["canary"]', "is not a JSON object"),
        (b"null", "is not a JSON object"),
    ],
    ids=["empty", "white", "bom-only", "cut", "not-utf-8", "deep", "list", "null"],
)
def test_an_unreadable_file_is_named_with_its_variable(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "civo.json"
    path.write_bytes(content)
    text = refusal({"CIVO_CONFIG": str(path)})
    assert text.startswith(str(path))
    assert text.endswith(f"(from CIVO_CONFIG) {problem}")


def test_a_file_that_a_variable_names_must_exist(tmp_path: Path) -> None:
    """Ignoring it would take another account's token."""
    environ = {**home_file(tmp_path), "CIVO_CREDENTIAL_FILE": str(tmp_path / "missing.json")}
    assert "(from CIVO_CREDENTIAL_FILE) cannot be read: No such file" in refusal(environ)
    environ["CIVO_CREDENTIAL_FILE"] = str(tmp_path)
    assert "cannot be read" in refusal(environ)


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    path = Path(written(tmp_path / "config.json"))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    settings = resolve(environ={"CIVO_CONFIG": str(path)})
    assert revealed(settings) == "canary-config-main"


def test_meta_of_other_types_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    meta = {"current_apikey": "main", "default_region": None, "url": 5}
    assert told(resolve(environ=home_file(tmp_path, meta=meta)))[1:] == (None, DEFAULT_URL)


def test_files_are_only_read(tmp_path: Path) -> None:
    path = Path(written(tmp_path / "config.json"))
    before = path.read_bytes(), path.stat().st_mtime_ns
    path.chmod(0o400)
    resolve(environ={"CIVO_CONFIG": str(path)})
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert list(tmp_path.iterdir()) == [path]


# Tokens


@pytest.mark.parametrize(
    "token",
    [
        "",
        " canary",
        "canary ",
        "can ary",
        "canary\n",
        "canary\r\nX-Evil: 1",
        "canary\t",
        "canary\x00",
        '"canary"',
        "'canary'",
        "canaryé",
        "canary\u200b",
        "canary" * 1_000,
        None,
        5,
        b"canary",
    ],
    ids=lambda token: ascii(token)[:20],
)
def test_a_token_that_fits_in_no_header_is_refused_unseen(token: Any) -> None:
    """C127, C128, X141."""
    with pytest.raises(ConfigurationError, match="the API token from somewhere") as caught:
        check_token(token, "somewhere")
    assert "canary" not in f"{caught.value!r}"
    if isinstance(token, str):
        refusal({}, token=token)


@settings(deadline=None)
@given(st.text())
def test_an_accepted_token_is_visible_ascii(token: str) -> None:
    """C127: nothing is stripped silently either."""
    try:
        accepted = check_token(token, "somewhere")
    except ConfigurationError:
        return
    assert accepted == token
    assert accepted.isascii()
    assert accepted.isprintable()
    assert not set(accepted) & set(" \"'")


def test_a_secret_shows_itself_to_nobody() -> None:
    """X141."""
    secret = Secret("canary")
    settings = Settings(TokenSource("here", secret), "LON1", DEFAULT_URL)
    for text in (repr(secret), str(secret), f"{secret}", repr(settings), repr([secret])):
        assert "canary" not in text
    assert secret.reveal() == "canary"
    assert not hasattr(secret, "__dict__")
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(settings)


def test_a_secret_is_masked_where_it_is_echoed_unless_it_may_stand_there_by_chance() -> None:
    """X141."""
    secret, short = Secret("canary-8"), Secret("canary7")
    assert secret.masked("bad canary-8, canary-8!") == "bad ***, ***!"
    assert secret.masked_body(b'{"token":"canary-8"}') == b'{"token":"***"}'
    assert secret.masked_body(b"canary") == b"canary"
    assert short.masked("canary7") == "canary7"
    assert short.masked_body(b"canary7") == b"canary7"


# Regions


@pytest.mark.parametrize("region", ["LON1", "lon1", "my-region-2"])
def test_region_codes_are_kept_as_they_are_spelled(region: str) -> None:
    assert check_region(region) == region


@pytest.mark.parametrize("region", ["", "LON 1", "LON1\n", "../x", "LON1&a=b", None, 1, "é"])
def test_what_is_no_region_code_is_refused(region: Any) -> None:
    """S81."""
    with pytest.raises(ConfigurationError, match="a region is a code such as 'LON1'"):
        check_region(region)


# Addresses


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://api.civo.com", "https://api.civo.com"),
        ("https://api.civo.com/", "https://api.civo.com"),
        ("HTTPS://API.Civo.com", "https://api.civo.com"),
        ("https://api.civo.com:8443/", "https://api.civo.com:8443"),
        ("https://api.civo.com:", "https://api.civo.com"),
        ("https://203.0.113.9", "https://203.0.113.9"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_address_is_scheme_host_and_port(url: str, normal: str) -> None:
    """C130."""
    assert check_url(url) == normal


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("api.civo.com", "it must begin with https://"),
        ("//api.civo.com", "it must begin with https://"),
        ("ftp://api.civo.com", "it must begin with https://"),
        ("file:///etc/passwd", "it must begin with https://"),
        ("https://", "it names no host"),
        ("https:///v2", "it names no host"),
        ("https://:443", "it names no host"),
        ("https://[::1", "it names no host"),
        ("https://[v1.canary]", "it names no host"),
        ("https://[::1]evil", "it names no host"),
        ("https://a[::1]", "it names no host"),
        ("https://a,b", "it names no host"),
        ("https://a%2fb", "it names no host"),
        ("https://a\\b", "it names no host"),
        ("https://api.civo.com:99999", "it names no host"),
        ("https://api.civo.com:0", "it names no host"),
        ("https://api.civo.com:8_0", "it names no host"),
        ("https://user:canary@api.civo.com", "it holds a user name or password"),
        ("https://@api.civo.com", "it holds a user name or password"),
        ("https://api.civo.com/v2", "it must end after the host and port"),
        ("https://api.civo.com?x=1", "it must end after the host and port"),
        ("https://api.civo.com/?", "it must end after the host and port"),
        ("https://api.civo.com#", "it must end after the host and port"),
        ("https://api.civo.com/#x", "it must end after the host and port"),
        ("https://api.civo.com\n", "it has characters that no URL has"),
        ("https://api civo.com", "it has characters that no URL has"),
        ("https://api.civo.cöm", "it has characters that no URL has"),
        ("https://ap\ti.civo.com", "it has characters that no URL has"),
        ("http://api.civo.com", "http:// would send the token to api.civo.com in clear"),
        ("http://localhost.example", "http:// would send the token to localhost.example in clear"),
        ("http://10.0.0.1", "http:// would send the token to 10.0.0.1 in clear"),
        ("http://127.1", "http:// would send the token to 127.1 in clear"),
    ],
    ids=ascii,
)
def test_anything_else_is_refused_with_the_reason(url: str, problem: str) -> None:
    """C129, C130."""
    with pytest.raises(ConfigurationError) as caught:
        check_url(url)
    assert str(caught.value).startswith(f"api_url is refused: {problem}")
    assert "canary" not in str(caught.value)


def test_plain_http_to_another_host_has_to_be_asked_for() -> None:
    """C129."""
    assert check_url("http://fake_api:8080", allow_insecure_http=True) == "http://fake_api:8080"
    settings = resolve("canary", api_url="http://10.0.0.1", allow_insecure_http=True, environ={})
    assert settings.url == "http://10.0.0.1"
    assert "in clear" in refusal({"CIVO_API_URL": "http://10.0.0.1"}, token="canary")


@settings(deadline=None)
@given(
    st.text()
    | st.lists(
        st.sampled_from(
            ["https://", "http://", "a", "A.b", "@", ":", "/", "?", "[::1]", "80", "\\"]
        )
    ).map("".join)
)
def test_an_accepted_address_leads_where_it_says(url: str) -> None:
    """C130: another library must not read another host out of it."""
    try:
        accepted = check_url(url)
    except ConfigurationError:
        return
    read, meant = URL(accepted), URL(url)
    assert (read.scheme, read.host, read.port) == (meant.scheme, meant.host, meant.port)
    assert (read.user, read.password, read.query_string, read.fragment) == (None, None, "", "")
    assert check_url(accepted) == accepted
