"""A token that shows itself to nobody by accident."""

import re

_FORM = re.compile(r"[!#-&(-~]{1,4096}")
"""Visible ASCII but for quotes: what a header can carry and a shell has not mangled."""

_ECHOED = 8
"""Characters from which a token is recognised in what a server says."""


def problem_of(token: object) -> str:
    """Why this cannot be a token, without saying what it is; empty if it can."""
    if isinstance(token, str) and _FORM.fullmatch(token):
        return ""
    return "is empty or has spaces, quotes, line ends or other characters that no token has"


class Secret:
    """A token that shows itself to nobody by accident."""

    __slots__ = ("_bytes", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        self._bytes = value.encode()

    def reveal(self) -> str:
        """The token itself, for the one header it belongs in."""
        return self._value

    # A server may echo what it was sent, and its words end in errors and logs. A token so short
    # that it may stand there by chance is none.

    def masked(self, text: str) -> str:
        """A text without the token."""
        return text.replace(self._value, "***") if len(self._value) >= _ECHOED else text

    def masked_body(self, body: bytes) -> bytes:
        """A body without the token."""
        token = self._bytes
        # Not `in`: it tries the token as a number first, and drops the error.
        stands_there = len(token) >= _ECHOED and body.find(token) >= 0
        return body.replace(token, b"***") if stands_there else body

    def __repr__(self) -> str:
        return "Secret('***')"

    def __reduce__(self) -> tuple[type["Secret"], tuple[str]]:
        raise TypeError("a Secret is not pickled")
