"""Reading a JSON array as it comes, in slices of whole items.

So a large listing is neither kept whole nor does it stop the event loop for longer than one slice
takes. Any other body is kept, for the caller to make sense of.
"""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from ..errors import UnexpectedResponseError
from .array_splitter import ArraySplitter

T = TypeVar("T")


class ArrayReader(Generic[T]):
    """One body on its way.

    Attributes:
        size: bytes that have come.
        spent: seconds that cutting and decoding have taken of the event loop.
    """

    def __init__(
        self,
        decode: Callable[[bytes], T | None],
        accept: Callable[[T], None],
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`decode` makes of a JSON array what is wanted of it, and None of anything else."""
        self._splitter = ArraySplitter(decode)
        self._accept = accept
        self._timer = timer
        self.size = 0
        self.spent = 0.0

    def take(self, piece: bytes) -> None:
        """Take the next piece, and hand on the items that became whole with it."""
        self.size += len(piece)
        began = self._timer()
        items = self._splitter.feed(piece)
        self.spent += self._timer() - began
        if items is not None:
            self._accept(items)

    def finish(self) -> bytes | None:
        """Hand on the last items; returns what is no array to the decoder, if that is so."""
        items = self._splitter.end()
        if items is None:
            return self._splitter.remainder()
        self._accept(items)
        return None

    @property
    def began(self) -> bool:
        """Whether the body has turned out to be an array, of which items were handed on."""
        return self._splitter.began

    @property
    def kept(self) -> int:
        """Bytes that are kept: those of the item that is not whole yet, and of its neighbours."""
        return self._splitter.size


def no_array(status: int) -> UnexpectedResponseError:
    """The error of a list that came in parts and had no end."""
    return UnexpectedResponseError("the list breaks off or is not JSON", status=status, path="$")
