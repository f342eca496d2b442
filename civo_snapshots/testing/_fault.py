"""What can go wrong with a request."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from attrs import evolve, frozen

from civo_snapshots.testing._codes import usual_status
from civo_snapshots.testing._wire import NO_SUCH_PAGE, Answer, JsonObject, to_json

Ending: TypeAlias = Literal["answered", "closed", "reset", "cut", "malformed"]


@frozen(kw_only=True)
class Fault:
    """One way for a request to go wrong; made by the class methods.

    Attributes:
        name: which way it is.
        acts: whether the region does what it was asked, whatever it answers.
        acts_later: seconds on the region's clock after which it acts; None if it does at once or
            never.
        held: real seconds before the answer.
        ending: how the connection goes on: "answered", "closed", "reset", "cut" or "malformed".
        answer: what is answered; None for what the region itself says.
    """

    name: str
    acts: bool
    acts_later: float | None = None
    held: float = 0.0
    ending: Ending = "answered"
    answer: Answer | None = None

    # Connections

    @classmethod
    def drop_before_acting(cls, *, reset: bool = False) -> "Fault":
        """Close the connection instead of acting.

        Args:
            reset: by RST instead of FIN.
        """
        return cls(name="drop_before_acting", acts=False, ending="reset" if reset else "closed")

    @classmethod
    def drop_after_acting(cls, *, reset: bool = False) -> "Fault":
        """Act, then close the connection instead of answering.

        Args:
            reset: by RST instead of FIN.
        """
        return cls(name="drop_after_acting", acts=True, ending="reset" if reset else "closed")

    @classmethod
    def late_commit(cls, seconds: float, *, reset: bool = False) -> "Fault":
        """Drop the connection now and act later.

        Args:
            seconds: until it acts, on the region's clock.
            reset: by RST instead of FIN.
        """
        ending: Ending = "reset" if reset else "closed"
        return cls(name="late_commit", acts=False, acts_later=seconds, ending=ending)

    @classmethod
    def stall(cls, seconds: float, *, acts: bool = True) -> "Fault":
        """Act and hold the answer; without acting, drop the connection then.

        Args:
            seconds: of real time.
            acts: whether it does.
        """
        return cls(name="stall", acts=acts, held=seconds, ending="answered" if acts else "closed")

    @classmethod
    def cut_body(cls) -> "Fault":
        """Act, announce the whole answer, send half of it and close."""
        return cls(name="cut_body", acts=True, ending="cut")

    @classmethod
    def malformed_json(cls) -> "Fault":
        """Act, and answer with half of the JSON, complete as far as HTTP can tell."""
        return cls(name="malformed_json", acts=True, ending="malformed")

    # Answers of the API

    @classmethod
    def json(cls, body: object, *, status: int = 200, acts: bool = False) -> "Fault":
        """Answer with this JSON.

        Args:
            body: anything that JSON has.
            status: of HTTP.
            acts: whether the request does what it asks for.
        """
        return cls(name="json", acts=acts, answer=Answer.of(body, status))

    @classmethod
    def status(
        cls,
        status: int,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        *,
        acts: bool = False,
    ) -> "Fault":
        """Answer with this status.

        Args:
            status: of HTTP.
            body: sent as JSON unless it is bytes; None is none.
            headers: of the answer.
            acts: whether the request does what it asks for.
        """
        if body is None:
            content = b""
        else:
            content = body if isinstance(body, bytes) else to_json(body).encode()
        answer = Answer(status, content, headers=dict(headers or {}))
        return cls(name=f"status {status}", acts=acts, answer=answer)

    @classmethod
    def code(
        cls,
        code: str,
        *,
        status: int | None = None,
        reason: object = "as the test says",
        details: object = None,
        acts: bool = False,
    ) -> "Fault":
        """Answer with an error of this code.

        Args:
            code: the API's code, such as one of `ERROR_CODES`.
            status: of HTTP; None is the usual one of a code among `ERROR_CODES`.
            reason: any JSON.
            details: any JSON; None is not sent.
            acts: whether the request does what it asks for.
        """
        body: JsonObject = {"code": code, "reason": reason}
        if details is not None:
            body["details"] = details
        answer = Answer.of(body, usual_status(code) if status is None else status)
        return cls(name=f"code {code}", acts=acts, answer=answer)

    @classmethod
    def failed_acknowledgement(
        cls,
        result: str | None = "failed",
        *,
        code: str | None = None,
        status_in_body: int | None = None,
        status: int = 200,
        acts: bool = False,
    ) -> "Fault":
        """Say with a status of success that it failed.

        Args:
            result: the word for it; None is not sent.
            code: the API's code; None is not sent.
            status_in_body: another status than that of HTTP; None is not sent.
            status: of HTTP.
            acts: whether the request does what it asks for.
        """
        told = {"result": result, "code": code, "status": status_in_body}
        body = {field: value for field, value in told.items() if value is not None}
        return cls(name="failed_acknowledgement", acts=acts, answer=Answer.of(body, status))

    @classmethod
    def rate_limited(cls, retry_after: str | None = "1") -> "Fault":
        """Answer with 429.

        Args:
            retry_after: the header Retry-After; None is none.
        """
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        body = {"code": "too_many_requests", "reason": "slow down"}
        return cls.status(429, body, headers)

    @classmethod
    def unauthorized(cls) -> "Fault":
        """Answer with 401, as if the token had been revoked."""
        return cls.status(401, {"result": "requires_authentication"})

    @classmethod
    def forbidden(cls, code: str = "authentication_access_denied") -> "Fault":
        """Answer with 403 about the object that was asked for, or about what another code says.

        Args:
            code: the API's code.
        """
        return cls.code(code, status=403)

    # Answers of what stands before it

    @classmethod
    def gateway_html(cls, status: int = 502, *, acts: bool = False) -> "Fault":
        """The error page of a gateway; behind it the request may have acted.

        Args:
            status: of HTTP. With 404 it knows no such address, with 403 a firewall is against it.
            acts: whether the request does what it asks for.
        """
        page = f"<html><head><title>{status}</title></head><body><h1>Gateway</h1></body></html>\n"
        answer = Answer(status, page.encode(), "text/html")
        return cls(name="gateway_html", acts=acts, answer=answer)

    @classmethod
    def no_such_page(cls) -> "Fault":
        """Answer with 404 in plain text."""
        return cls(name="no_such_page", acts=False, answer=NO_SUCH_PAGE)

    @classmethod
    def outage(cls) -> "Fault":
        """Answer with 503 from the gateway, as the whole region does while it is out."""
        return evolve(cls.gateway_html(503), name="outage")


NO_FAULT = Fault(name="none", acts=True)
