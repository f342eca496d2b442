"""What the API says no with."""

from __future__ import annotations

from ..models import Call
from .base import CivoError


class ApiError(CivoError):
    """The API answered with an error.

    Attributes:
        status: the HTTP status; 0 if the SDK refused on the API's behalf.
        code: the API's own code, such as ``database_snapshot_not_found``; may be empty.
        reason: the API's explanation; untrusted text.
        details: further explanation; untrusted text.
        request_id: what to quote to support; may be empty.
        retry_after: seconds the server asked to wait; None if it named none.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        reason: str = "",
        details: str = "",
        request_id: str = "",
        retry_after: float | None = None,
        call: Call | None = None,
    ) -> None:
        super().__init__(message, call=call)
        self.status = status
        self.code = code
        self.reason = reason
        self.details = details
        self.request_id = request_id
        self.retry_after = retry_after
        if status == 408 and not code:  # the server gave up on what it had begun to read
            self.may_have_acted = True


class InvalidRequestError(ApiError):
    """The API found the request itself wrong (400, 422)."""


class AuthenticationError(ApiError):
    """The token was not accepted (401)."""


class PermissionDeniedError(ApiError):
    """The token is valid but may not do this (403)."""


class NotFoundError(ApiError):
    """The instance, snapshot or schedule does not exist (404)."""


class ConflictError(ApiError):
    """The object's state does not allow this now (409)."""


class TryLaterError(ApiError):
    """Something is busy and nothing was done; the same request may succeed a little later."""


class RateLimitError(ApiError):
    """Too many requests (429)."""


class QuotaExceededError(ApiError):
    """The account's quota is used up."""


class ServiceDisabledError(ApiError):
    """Snapshots are not offered there: they need a CivoStack Enterprise private region."""


class ServerError(ApiError):
    """The server failed (5xx)."""

    may_have_acted = True
