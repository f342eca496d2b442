"""Where the token, the region and the address come from: arguments, environment, the CLI's file.

Files are only ever read. No message holds a token, not even a malformed one.
"""

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, cast
from urllib.parse import urlsplit

from . import _naming, _validation
from ._http import Secret, TokenCallable, TokenSource, problem_of
from .errors import ConfigurationError

DEFAULT_URL = "https://api.civo.com"

_HOST_AND_PORT = re.compile(
    r"(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?"
)
"""A name (container networks have underscores), an IPv4 or a bracketed IPv6 address."""


class Settings(NamedTuple):
    """A checked configuration.

    Attributes:
        region: None if none was named anywhere; calls that need one then say so.
        region_from, url_from: where each of them came from, in words; empty for a region not named.
    """

    token: TokenSource
    region: str | None
    url: str
    region_from: str = ""
    url_from: str = ""


class _CliFile:
    """What a file of the civo CLI says, shown to nobody; `path` names it in messages."""

    __slots__ = ("keys", "meta", "path")

    def __init__(self, path: str, keys: Mapping[str, object], meta: Mapping[str, object]) -> None:
        self.path = path
        self.keys = keys
        self.meta = meta

    def token(self, profile: str | None) -> str:
        current = self.meta.get("current_apikey")
        name = profile or current
        if not self.keys:
            raise ConfigurationError(
                f"{self.path} holds no API key; add one with `civo apikey save`"
            )
        if not isinstance(name, str) or not name:
            raise ConfigurationError(
                f"{self.path} names no current API key; run `civo apikey current NAME` "
                "or pass profile="
            )
        key = self.keys.get(name)
        if not isinstance(key, str):
            known = ", ".join(sorted(self.keys))
            raise ConfigurationError(f"{self.path} has no API key named {name!r}; it has: {known}")
        return key


def resolve(
    token: str | TokenCallable | None = None,
    region: str | None = None,
    *,
    profile: str | None = None,
    api_url: str | None = None,
    allow_insecure_http: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Find and check the settings, first place first: argument, environment, the CLI's file.

    Raises `ConfigurationError` that lists the places tried.
    """
    _validation.boolean(allow_insecure_http, "allow_insecure_http")
    if token is not None and profile is not None:
        raise ConfigurationError("pass token= or profile=, not both")
    file = None
    if token is not None:
        origin = "the token argument"
    elif profile is None and "CIVO_TOKEN" in environ:
        token, origin = environ["CIVO_TOKEN"], "CIVO_TOKEN"
    else:
        file = _file(environ, profile)
        token, origin = file.token(profile), file.path
    # A file counts as a whole or not at all: an address from it would send another place's token
    # to a host that it was not made for.
    meta: Mapping[str, object] = file.meta if file else {}
    path = file.path if file else ""
    url, url_from = _first(
        (api_url, "the api_url argument"),
        (environ.get("CIVO_API_URL"), "CIVO_API_URL"),
        (_text(meta.get("url")), path),
        (DEFAULT_URL, "the default"),
    )
    code, region_from = _first(
        (region, "the region argument"),
        (environ.get("CIVO_REGION"), "CIVO_REGION"),
        (_text(meta.get("default_region")), path),
    )
    if callable(token):
        source = TokenSource("the token callable", token)
    else:
        source = TokenSource(origin, Secret(check_token(token, origin)))
    return Settings(
        source,
        check_region(code) if code else None,
        check_url(url, allow_insecure_http=allow_insecure_http),
        region_from,
        url_from,
    )


def _first(*places: tuple[str | None, str]) -> tuple[str, str]:
    """The first text that is there, and what it comes from."""
    return next(((text, origin) for text, origin in places if text), ("", ""))


def _file(environ: Mapping[str, str], profile: str | None) -> _CliFile:
    """The first file of the civo CLI's form; one that a variable names must exist."""
    for variable in ("CIVO_CREDENTIAL_FILE", "CIVO_CONFIG"):
        if path := environ.get(variable):
            return _read(Path(path), f"{path} (from {variable})")
    home = environ.get("HOME") or environ.get("USERPROFILE")
    if home and (default := Path(home, ".civo.json")).is_file():
        return _read(default, "~/.civo.json")
    if profile is not None:
        raise ConfigurationError(
            f"there is no file of the civo CLI (~/.civo.json) that has a profile {profile!a}; "
            "name one in CIVO_CREDENTIAL_FILE or CIVO_CONFIG, or run `civo apikey save`"
        )
    raise ConfigurationError(
        "no API token: pass token=, set CIVO_TOKEN, name a file of the civo CLI in "
        "CIVO_CREDENTIAL_FILE or CIVO_CONFIG, or run `civo apikey save` (~/.civo.json)"
    )


def _read(path: Path, shown: str) -> _CliFile:
    problem, data = "", None
    try:
        text = path.read_text(encoding="utf-8-sig")
        if text.strip():
            data = json.loads(text)
        else:
            problem = "is empty"
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except (ValueError, RecursionError):
        problem = "is not JSON"
    if not problem and not isinstance(data, dict):
        problem = "is not a JSON object"
    if problem:
        raise ConfigurationError(f"{shown} {problem}")
    fields = cast("Mapping[str, object]", data)
    return _CliFile(shown, _mapping(fields.get("apikeys")), _mapping(fields.get("meta")))


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def check_token(value: object, origin: str) -> str:
    """A token that fits in a header; nothing is stripped silently."""
    if isinstance(value, str) and not problem_of(value):
        return value
    raise ConfigurationError(f"the API token from {origin} {problem_of(value)}")


def check_region(value: object) -> str:
    """A region code such as LON1."""
    if isinstance(value, str) and _naming.is_region(value):
        return value
    shown = ascii(value)[:80] if isinstance(value, str) else type(value).__name__
    raise ConfigurationError(
        f"a region is a code such as 'LON1' (letters, digits, '-'); got {shown}"
    )


def check_url(value: object, *, allow_insecure_http: bool = False) -> str:
    """``scheme://host[:port]`` and nothing else; plain HTTP only to this machine."""
    if not isinstance(value, str):
        raise ConfigurationError("api_url is refused: it is no text")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        parts, port = urlsplit("https://"), None
    problem = ""
    host = parts.hostname or ""
    if not value.isascii() or not value.isprintable() or " " in value:
        problem = "it has characters that no URL has"
    elif parts.scheme not in ("http", "https"):
        problem = "it must begin with https://"
    elif parts.username is not None or parts.password is not None:
        problem = "it holds a user name or password"
    elif not _HOST_AND_PORT.fullmatch(parts.netloc) or port == 0:
        problem = "it names no host, or a host or port that cannot be"
    elif parts.path not in ("", "/") or parts.query or parts.fragment or value[-1] in "?#":
        problem = "it must end after the host and port"
    elif parts.scheme == "http" and not (allow_insecure_http or _is_loopback(host)):
        problem = (
            f"http:// would send the token to {host} in clear; use https://, "
            "or pass allow_insecure_http=True"
        )
    if problem:
        raise ConfigurationError(f"api_url is refused: {problem}")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{port}" if port else f"{parts.scheme}://{shown}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
