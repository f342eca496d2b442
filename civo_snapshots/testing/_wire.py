"""One call and its answer as the fake API sees them, free of any HTTP machinery."""

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import TypeAlias, cast
from urllib.parse import parse_qsl

from attrs import Factory, frozen

JsonObject: TypeAlias = dict[str, object]

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_FORM = "application/x-www-form-urlencoded"


def to_json(value: object) -> str:
    """Compact JSON text."""
    return json.dumps(value, separators=(",", ":"))


@frozen(kw_only=True)
class Call:
    """A request that was routed: what an endpoint needs to know of it."""

    route: str
    ids: tuple[str, ...]
    query: Mapping[str, str]
    authorization: str
    content_type: str
    body: bytes
    at: float


@frozen
class Answer:
    """A status and a body, before they are put on the wire."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = Factory(dict[str, str])

    @classmethod
    def of(cls, value: object, status: int = 200) -> "Answer":
        """This value as JSON."""
        return cls(status, to_json(value).encode())


NO_SUCH_PAGE = Answer(404, b"404 page not found\n", "text/plain; charset=utf-8")


class RefusedError(Exception):
    """The API says no, in its own form of error body."""

    def __init__(self, status: int, code: str, reason: str) -> None:
        super().__init__(status, code, reason)
        self.answer = Answer.of({"code": code, "reason": reason}, status)


def invalid(field: str, reason: str) -> RefusedError:
    """The refusal of one parameter."""
    return RefusedError(400, f"parameter_{field}_invalid", reason)


@frozen
class Fields:
    """The fields of a request body, each checked when it is asked for; null is the same as absent.

    Fields that nobody asks for are accepted, as the API does.
    """

    _values: Mapping[str, object]
    _is_form: bool = False

    @classmethod
    def of(cls, call: Call) -> "Fields":
        """Read a body: JSON, a form, or nothing at all."""
        if not call.body:
            return cls({})
        content_type = call.content_type.partition(";")[0].strip().lower()
        try:
            if content_type == _FORM:
                pairs = parse_qsl(call.body.decode(), keep_blank_values=True, strict_parsing=True)
                return cls(dict(pairs), True)
            value: object = json.loads(call.body.decode())
        except (ValueError, RecursionError):
            raise RefusedError(400, "parameter_body_invalid", "the body cannot be read") from None
        if content_type != "application/json":
            raise RefusedError(415, "unsupported_media_type", f"{content_type!r} is not accepted")
        if not isinstance(value, dict):
            raise RefusedError(400, "parameter_body_invalid", "the body is not an object")
        return cls(cast("JsonObject", value))

    def text(self, field: str) -> str | None:
        """Any text."""
        value = self._values.get(field)
        if value is None or isinstance(value, str):
            return value
        raise invalid(field, f"{field} must be text")

    def label(self, field: str) -> str | None:
        """An RFC 1123 label."""
        value = self.text(field)
        if value is not None and not _LABEL.fullmatch(value):
            raise invalid(field, f"{field} must be an RFC 1123 label")
        return value

    def hostname(self, field: str) -> str | None:
        """RFC 1123 labels joined by dots."""
        value = self.text(field)
        if value is not None and not all(_LABEL.fullmatch(part) for part in value.split(".")):
            raise invalid(field, f"{field} must consist of RFC 1123 labels")
        return value

    def address(self, field: str) -> str | None:
        """An IPv4 address."""
        value = self.text(field)
        if value is not None:
            try:
                ipaddress.IPv4Address(value)
            except ValueError:
                raise invalid(field, f"{field} must be an IPv4 address") from None
        return value

    def flag(self, field: str) -> bool | None:
        """A boolean, spelled out in forms."""
        value = self._values.get(field)
        if self._is_form and value in {"true", "false"}:
            return value == "true"
        if value is None or isinstance(value, bool):
            return value
        raise invalid(field, f"{field} must be true or false")

    def number(self, field: str) -> int | None:
        """A whole number."""
        value = self._values.get(field)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise invalid(field, f"{field} must be a whole number")

    def texts(self, field: str) -> list[str] | None:
        """A list of texts."""
        if self._values.get(field) is None:
            return None
        values = self._list(field)
        if not all(isinstance(value, str) for value in values):
            raise invalid(field, f"{field} must be a list of texts")
        return cast("list[str]", values)

    def section(self, field: str) -> "Fields":
        """The fields of an object inside."""
        value = self._values.get(field)
        if not isinstance(value, dict):
            raise invalid(field, f"{field} must be an object")
        return Fields(cast("JsonObject", value))

    def sections(self, field: str) -> list["Fields"]:
        """The fields of each object of a list that is not empty."""
        values = self._list(field)
        if not values or not all(isinstance(value, dict) for value in values):
            raise invalid(field, f"{field} must be a list of objects")
        return [Fields(cast("JsonObject", value)) for value in values]

    def _list(self, field: str) -> list[object]:
        value = self._values.get(field)
        if not isinstance(value, list):
            raise invalid(field, f"{field} must be a list")
        return cast("list[object]", value)
