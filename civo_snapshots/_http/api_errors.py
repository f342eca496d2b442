"""What an answer's status, code and body mean as an error; pure.

A code tells more than the status it came with.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from ..errors import (
    ApiError,
    AuthenticationError,
    CivoError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    ServiceDisabledError,
    TryLaterError,
    UnexpectedResponseError,
    printable,
)
from .json_body import JSON, PREVIEW, parse_json, preview
from .messages import Request, Response
from .rate_limit_headers import retry_after

_TEXT_LIMIT = 2_000
_LONGEST_REFUSAL = 8_192
_ABSENT = msgspec.Raw(b"")


class _Told(msgspec.Struct, gc=False):
    """What a body must hold to be looked at: most are records, which it costs little to skim."""

    result: msgspec.Raw = _ABSENT
    code: msgspec.Raw = _ABSENT
    status: msgspec.Raw = _ABSENT


_TOLD = msgspec.json.Decoder(_Told)

SUCCESSES = frozenset({200, 201, 202, 204})
_SUCCESS = ("success", "ok")
NEEDS_PRIVATE_REGION = "snapshots need a CivoStack Enterprise private region"


def is_success(response: Response) -> bool:
    """Whether it is certainly no failure: what a body must hold for that, most lack."""
    if response.status not in SUCCESSES:
        return False
    body = response.body
    return len(body) > _LONGEST_REFUSAL or not _may_refuse(body)


def failure_of(
    request: Request, response: Response, now: datetime, token_from: str = ""
) -> CivoError | None:
    """The error that a response stands for, or None if its body may be read as data.

    `token_from` is where the token came from, should it be that which was not accepted.
    """
    status = response.status
    if is_success(response):
        return None
    if status in SUCCESSES:
        return _refusal_in_success(request, response, now, token_from)
    if 300 <= status < 400 and status != 304:
        host = printable(_host_of(response.headers.get("location", "")), 100)
        return UnexpectedResponseError(
            f"redirected ({status}) to {host}, which is not followed; check api_url",
            status=status,
        )
    if 400 <= status < 600:
        return _api_error(request, response, now, token_from)
    return UnexpectedResponseError(f"unexpected HTTP status {status}", status=status)


def _refusal_in_success(
    request: Request, response: Response, now: datetime, token_from: str
) -> ApiError | None:
    """The error that a 2xx carries in its body: the code decides, whatever the status.

    An acknowledgement has a result, and may have a code or a status of its own. A record has none
    of these three, but for a status that is no number.
    """
    fields = _error_fields(response)
    told = fields.get("status")
    status = told if isinstance(told, int) and told >= 400 else response.status
    failed = _text(fields.get("result")).lower() not in ("", *_SUCCESS)
    if failed or status >= 400 or _text(fields.get("code")):
        return _api_error(request, replace(response, status=status), now, token_from)
    return None


def _may_refuse(body: bytes) -> bool:
    try:
        told = _TOLD.decode(body)
    except msgspec.ValidationError:  # no object
        return False
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True  # the strict way decides
    if len(told.result) or len(told.code):
        return True
    return len(told.status) > 0 and bytes(told.status)[:1] in (b"4", b"5")


def _host_of(location: str) -> str:
    """The host alone, because the rest of a Location may hold a user name and password."""
    try:
        return urlsplit(location[:_TEXT_LIMIT].strip()).hostname or "nowhere"
    except ValueError:
        return "nowhere"


_BY_STATUS: Mapping[int, type[ApiError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: InvalidRequestError,
    429: RateLimitError,
}

_TRY_LATER = frozenset(
    {
        "database_quota_lock_failed",
        "database_snapshot_create_already_in_process",
        "instance_state_must_be_active_or_shutoff",
        "region_unavailable",
    }
)
_TRY_LATER_TOO = "_connection_failed"
"""How further codes of that meaning end."""

# A code tells more than the status it came with.
_BY_CODE: Mapping[str, type[ApiError]] = {
    "quota_limit_reached": QuotaExceededError,
    "disabled_service": ServiceDisabledError,
    "database_account_access_denied": PermissionDeniedError,
    # About one object and not about the token, unlike the other codes that begin so.
    "authentication_access_denied": PermissionDeniedError,
    "database_snapshot_not_found": NotFoundError,
    "database_instance_find": NotFoundError,
    "database_snapshot_create_instance_not_found": NotFoundError,
    "database_region_not_found": NotFoundError,
    "database_snapshot_cannot_delete_in_use": ConflictError,
    "database_snapshot_cannot_replace": ConflictError,
    "database_instance_snapshot_too_big": InvalidRequestError,
    "parameter_name_invalid": InvalidRequestError,
    "parameter_id_missing": InvalidRequestError,
    "requires_authentication": AuthenticationError,
}

_HINTS: Mapping[str, str] = {
    "database_region_not_found": "check the region's code",
    "database_snapshot_create_already_in_process": "another snapshot of it is being made; "
    "try again later",
    "database_quota_lock_failed": "try again later",
    "region_unavailable": "the region is unavailable; try again later",
    "instance_state_must_be_active_or_shutoff": "the instance is busy; try again later",
    "quota_limit_reached": "delete snapshots or ask for a higher quota",
    "disabled_service": NEEDS_PRIVATE_REGION,
}


def _class_for(status: int, code: str) -> type[ApiError]:
    if code in _BY_CODE:
        return _BY_CODE[code]
    if code in _TRY_LATER or code.endswith(_TRY_LATER_TOO):
        return TryLaterError
    if code.startswith("authentication_"):
        return AuthenticationError
    return _BY_STATUS.get(status, ServerError if status >= 500 else ApiError)


def _api_error(request: Request, response: Response, now: datetime, token_from: str) -> ApiError:
    status = response.status
    fields = _error_fields(response)
    # Civo answers an expired token with {"result": "requires_authentication"}.
    code = _text(fields.get("code")) or _text(fields.get("result"))
    reason, details = _text(fields.get("reason")), _text(fields.get("details"))
    said = ": ".join(filter(None, (" ".join(filter(None, (str(status), code))), reason, details)))
    if not (code or reason or details):
        said += preview(response.body)
    kind = _class_for(status, code)
    hint = _HINTS.get(code) or _hint_by_status(request, response, coded=bool(code))
    if kind is AuthenticationError:
        hint = f"check the token, which came from {token_from}" if token_from else "check the token"
    return kind(
        f"the API answered {said}{f'; {hint}' if hint else ''}",
        status=status,
        code=code,
        reason=reason,
        details=details,
        request_id=response.headers.get("x-request-id", "")[:PREVIEW],
        retry_after=retry_after(response.headers, now),
    )


def _error_fields(response: Response) -> dict[str, JSON]:
    try:
        data = parse_json(response.body)
    except UnexpectedResponseError:
        return {}
    return data if isinstance(data, dict) else {}


def _text(value: JSON) -> str:
    """Whatever stands where a text is due, as text of bounded size."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:_TEXT_LIMIT]


def _hint_by_status(request: Request, response: Response, *, coded: bool) -> str:
    if response.status in (403, 404) and not coded:
        if response.status == 404 and response.body.lstrip()[:1] == b"<":
            return "that is a web page, not the API: check api_url"
        if "snapshot" in request.path:
            return NEEDS_PRIVATE_REGION
    return ""
