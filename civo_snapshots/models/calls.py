"""What was asked, and the pages that listings come in."""

from collections.abc import Mapping
from itertools import groupby
from typing import Generic, Self, TypeVar

from attrs import frozen

from .plain import fields_as_plain, record_from_plain

T = TypeVar("T")


@frozen
class Call:
    """What was asked when an error happened.

    Attributes:
        method: of HTTP.
        path: with its ids, without the server's address.
        region: the region that was asked; empty if none was.
        attempts: how many requests were sent or tried.
        elapsed: seconds from the start of the call.
        history: what the attempts before the last one ended with, oldest first.
        may_have_acted: how many of those attempts may have been acted upon.
    """

    method: str
    path: str
    region: str = ""
    attempts: int = 1
    elapsed: float = 0.0
    history: tuple[str, ...] = ()
    may_have_acted: int = 0

    def as_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return fields_as_plain(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Self:
        """What `as_dict()` told.

        Args:
            data: what `as_dict()` gave, after any journey through JSON.

        Raises:
            ValueError: it cannot be one.
        """
        return record_from_plain(cls, data)

    def __str__(self) -> str:
        return self.told()

    def told(self, end: str = "") -> str:
        """What was asked, how often and for how long, and what went before.

        Args:
            end: what the call ended with; attempts that all ended so are not told again.
        """
        where = f" in {self.region}" if self.region else ""
        tries = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        told = (f"{text} (x{len([*same])})" for text, same in groupby(self.history))
        before = "; before: " + " | ".join(told).replace(" (x1)", "") if self.history else ""
        if all(end.startswith(text.removesuffix("...")) for text in self.history):
            before = ""
        return f"{self.method} {self.path}{where}, {tries} in {self.elapsed:.1f} s{before}"


@frozen(repr=False)
class Page(Generic[T]):
    """One page of a listing.

    Attributes:
        number: the page that was asked for, from 1.
        items: what is on it, without what an earlier page had.
        echoed: the page the server says it sent; None if it does not say.
        pages: how many pages the server promises; None if it does not say.
        per_page: the page size the server says it used; None if it does not say.
        misfits: how many further items were left out because they do not fit.
    """

    number: int
    items: tuple[T, ...]
    echoed: int | None = None
    pages: int | None = None
    per_page: int | None = None
    misfits: int = 0

    def __repr__(self) -> str:
        of = "" if self.pages is None else f" of {self.pages}"
        return f"<{type(self).__name__} {self.number}{of}: {len(self.items)} items>"
