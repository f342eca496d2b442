"""One request, sent once, and what its answer says.

The only room that knows aiohttp, and what this API's errors look like on the wire. It must not know
retries, limits, records or resources.
"""

from .api_errors import SUCCESSES, failure_of, is_success
from .json_body import JSON, parse_json
from .messages import Kind, Mask, Reader, Request, Response, Sink, too_large
from .rate_limit_headers import http_date, rate_window
from .secret import Secret, problem_of
from .token_source import TokenCallable, TokenSource
from .transport import HttpOptions, HttpSession, Transport

__all__ = [
    "JSON",
    "SUCCESSES",
    "HttpOptions",
    "HttpSession",
    "Kind",
    "Mask",
    "Reader",
    "Request",
    "Response",
    "Secret",
    "Sink",
    "TokenCallable",
    "TokenSource",
    "Transport",
    "failure_of",
    "http_date",
    "is_success",
    "parse_json",
    "problem_of",
    "rate_window",
    "too_large",
]
