"""The fields of a request's body, each of exactly its type."""

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import cast
from urllib.parse import parse_qsl

from civo_snapshots.testing._wire import Call, JsonObject, RefusedFieldError

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_FORM = "application/x-www-form-urlencoded"


class Fields:
    """An object of a body: fields are taken one by one, and `end()` refuses what is left.

    `refuse_unknown` is whether it does.

    Null is the same as not sent. Nothing is converted but for booleans of forms, which know only
    text; no number stands where a form could hold it.
    """

    def __init__(
        self, values: Mapping[str, object], *, refuse_unknown: bool, is_form: bool = False
    ) -> None:
        self._values = values
        self._refuse_unknown = refuse_unknown
        self._is_form = is_form
        self._taken: set[str] = set()
        self._sections: list[Fields] = []

    @classmethod
    def of(cls, call: Call, *, refuse_unknown: bool) -> "Fields":
        """Read a body: JSON, a form, or nothing at all."""
        if not call.body:
            return cls({}, refuse_unknown=refuse_unknown)
        content_type = call.content_type.partition(";")[0].strip().lower()
        try:
            text = call.body.decode()
            if content_type == _FORM:
                pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True)
                return cls(dict(pairs), refuse_unknown=refuse_unknown, is_form=True)
            value: object = json.loads(text)
        except (ValueError, RecursionError):
            raise RefusedFieldError("body", call.body[:200], "it cannot be read") from None
        if content_type != "application/json":
            reason = f"{content_type!r} is neither JSON nor a form"
            raise RefusedFieldError("content_type", content_type, reason, status=415)
        if not isinstance(value, dict):
            raise RefusedFieldError("body", value, "the body is not an object")
        return cls(cast("JsonObject", value), refuse_unknown=refuse_unknown)

    def end(self) -> None:
        """Refuse the fields that nobody has asked for, here and in the sections."""
        if not self._refuse_unknown:
            return
        for section in self._sections:
            section.end()
        for field in self._values.keys() - self._taken:
            value, reason = self._values[field], "there is no such field"
            raise RefusedFieldError(field, value, reason, fault="unknown")

    def text(self, field: str) -> str | None:
        """Any text."""
        value = self._take(field)
        if value is None or isinstance(value, str):
            return value
        raise RefusedFieldError(field, value, f"{field} must be text")

    def label(self, field: str) -> str | None:
        """An RFC 1123 label."""
        value = self.text(field)
        if value is not None and not _LABEL.fullmatch(value):
            raise RefusedFieldError(field, value, f"{field} must be an RFC 1123 label")
        return value

    def hostname(self, field: str) -> str | None:
        """RFC 1123 labels joined by dots."""
        value = self.text(field)
        if value is not None and not all(_LABEL.fullmatch(part) for part in value.split(".")):
            raise RefusedFieldError(field, value, f"{field} must consist of RFC 1123 labels")
        return value

    def address(self, field: str) -> str | None:
        """An IPv4 address."""
        value = self.text(field)
        if value is not None:
            try:
                ipaddress.IPv4Address(value)
            except ValueError:
                reason = f"{field} must be an IPv4 address"
                raise RefusedFieldError(field, value, reason) from None
        return value

    def flag(self, field: str) -> bool | None:
        """A boolean, spelled out in forms."""
        value = self._take(field)
        if self._is_form and value in ("true", "false"):
            return value == "true"
        if value is None or isinstance(value, bool):
            return value
        raise RefusedFieldError(field, value, f"{field} must be true or false")

    def number(self, field: str) -> int | None:
        """A whole number."""
        value = self._take(field)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise RefusedFieldError(field, value, f"{field} must be a whole number")

    def section(self, field: str) -> "Fields":
        """The fields of an object inside, which must be there."""
        value = self._take(field)
        if not isinstance(value, dict):
            raise RefusedFieldError(field, value, f"{field} must be an object")
        return self._section(cast("JsonObject", value))

    def sections(self, field: str) -> list["Fields"]:
        """The fields of each object of a list that is not empty."""
        value = self._take(field)
        items = _items(value)
        if items and all(isinstance(item, dict) for item in items):
            return [self._section(cast("JsonObject", item)) for item in items]
        raise RefusedFieldError(field, value, f"{field} must be a list of objects")

    def _section(self, values: JsonObject) -> "Fields":
        section = Fields(values, refuse_unknown=self._refuse_unknown)
        self._sections.append(section)
        return section

    def _take(self, field: str) -> object:
        self._taken.add(field)
        return self._values.get(field)


def _items(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []
