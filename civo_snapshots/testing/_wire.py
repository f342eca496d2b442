"""One call and its answer as the fake API sees them, free of any HTTP machinery."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from attrs import Factory, frozen

from civo_snapshots.testing._codes import usual_status
from civo_snapshots.testing._switches import Reasons

JsonObject: TypeAlias = dict[str, object]

_NOT_IN_A_CODE = re.compile(r"[^a-z0-9]+", re.ASCII)
_LONGEST_NAME_IN_A_CODE = 40


def to_json(value: object) -> str:
    """Compact JSON text."""
    return json.dumps(value, separators=(",", ":"))


@frozen(kw_only=True)
class Call:
    """A request that was routed: what an endpoint needs to know of it.

    `at` is when it acts, on the region's clock.
    """

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


def array(texts: Sequence[str], *, wrapped: bool) -> Answer:
    """A list of ready JSON texts, bare or as the items of an object."""
    joined = f"[{','.join(texts)}]"
    return Answer(200, (f'{{"items":{joined}}}' if wrapped else joined).encode())


class RefusedError(Exception):
    """The API says no, in its own form of error body."""

    def __init__(self, code: str, reason: str, status: int | None = None) -> None:
        super().__init__(code, reason, status)
        self.code = code
        self.reason = reason
        self.status = usual_status(code) if status is None else status

    def answer(self, form: Reasons) -> Answer:
        """The error as an answer, its reason in one of the forms that have been seen."""
        forms: dict[Reasons, object] = {
            "text": self.reason,
            "null": None,
            "list": [self.reason],
            "object": {"message": self.reason},
        }
        body: JsonObject = {"code": self.code, "reason": forms[form]}
        if form != "text":
            body["details"] = forms[form]
        return Answer.of(body, self.status)


class NoSuchPageError(Exception):
    """The path leads nowhere: 404 in plain text, without a code."""


class RefusedFieldError(RefusedError):
    """The API says no to one field of a body or query."""

    def __init__(
        self,
        field: str,
        value: object,
        reason: str,
        *,
        fault: str = "invalid",
        code: str = "",
        status: int = 400,
    ) -> None:
        # Whatever the field is called, its code is one word of ordinary length.
        name = _NOT_IN_A_CODE.sub("_", field.lower())[:_LONGEST_NAME_IN_A_CODE]
        super().__init__(code or f"parameter_{name}_{fault}", reason, status)
        self.field = field
        self.value = value


@frozen
class RefusedField:
    """A field that a region was sent and did not take.

    Attributes:
        route: such as "POST /v2/instances/{id}/snapshots".
        field: its name; "body" where no body could be read.
        value: as it came, decoded.
        reason: what is wrong with it, for people.
    """

    route: str
    field: str
    value: object
    reason: str
