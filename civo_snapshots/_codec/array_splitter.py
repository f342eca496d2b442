"""Cutting a JSON array that arrives in pieces into arrays of whole items.

Where an item ends is not searched for: a likely place is tried. If what stands before it, closed by
a bracket, is a JSON array, then by JSON's grammar the cut was between two items.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

T = TypeVar("T")

Read = Callable[[bytes], T | None]
"""Makes of a JSON array what is wanted of it, and None of anything else."""

_SIZE = 128 << 10
"""Bytes from which a cut is tried: some hundred snapshots."""

_TRIES = 8
"""Likely places that are tried before more of the body is waited for."""

_PLACES = 32
"""Likely places that are compared before the first try."""

_BRACES = 64
"""Braces that are looked at in search of one."""

_NAMED = 8
"""Bytes by which fields are told apart."""

_VALUE = 256
"""Bytes of a last field's value behind which its name is looked for."""

_BLANK = b" \t\r\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class _Ending(NamedTuple):
    """What an item ends with: mostly more brackets, or another field, than objects within it."""

    brackets: bytes
    field: bytes = b""

    def is_at(self, text: bytes, end: int) -> bool:
        """Whether the text ends so there; an ending without a field is any of its brackets."""
        if not text.endswith(self.brackets, 0, end):
            return False
        return not self.field or self.field == _last_field(text, end)


_ANY = _Ending(b"}")


class ArraySplitter:
    """One array; any other body is kept whole.

    Attributes:
        began: whether anything was cut off.
    """

    # It is given the reading each time: whose it is owns the splitter, and two that hold each other
    # keep a whole listing until the collector of cyclic garbage comes.

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._wanted = _SIZE
        self._ending = _ANY  # of the items, as far as that is known
        self.began = False

    @property
    def size(self) -> int:
        """Bytes kept."""
        return self._size

    def feed(self, piece: bytes, read: Read[T]) -> T | None:
        """Take the next piece; the items that became whole with it, if it was worth a cut."""
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size < self._wanted:
            return None
        text = self.remainder()
        end = len(text) if text[:1] == b"[" else 0
        if not self.began:
            self._ending = _longest_ending(text, end)
        for _ in range(_TRIES):
            start, end = _likely_cut(text, end, self._ending)
            if not end:
                break
            found = read(b"".join((memoryview(text)[:end], b"]")))
            if found is not None:
                self.began = True
                self._ending = _Ending(_brackets(text, end), _last_field(text, end))
                self._keep(b"[" + text[start:])
                self._wanted = _SIZE
                return found
        self._keep(text)
        self._wanted = 2 * len(text)  # each byte is tried a bounded number of times
        self._ending = _ANY
        return None

    def end(self, read: Read[T]) -> T | None:
        """What is left when the body has ended; None if the whole was no JSON array."""
        text = self.remainder()
        return read(text) if text[:1] == b"[" else None

    def remainder(self) -> bytes:
        """What was not cut off: the whole body if nothing was."""
        text = b"".join(self._pieces)
        if not self.began:
            text = text.removeprefix(_BYTE_ORDER_MARK).lstrip(_BLANK)
        return text

    def _keep(self, text: bytes) -> None:
        self._pieces = [text]
        self._size = len(text)


def _likely_cut(text: bytes, before: int, ending: _Ending) -> tuple[int, int]:
    """The last place like ``},{`` before a position: where the right part begins, the left ends."""
    start = before
    for _ in range(_BRACES):
        start = text.rfind(b"{", 0, start)
        if start <= 0:
            break
        comma = _last_of(text, start)
        if text[comma - 1 : comma] == b",":
            end = _last_of(text, comma - 1)
            if ending.is_at(text, end):
                return start, end
    return 0, 0


def _longest_ending(text: bytes, before: int) -> _Ending:
    """The most brackets that close at one of the last likely places: the end of a whole item."""
    found = [_ANY.brackets]
    for _ in range(_PLACES):
        _, before = _likely_cut(text, before, _ANY)
        if not before:
            break
        found.append(_brackets(text, before))
    return _Ending(max(found, key=len))


def _brackets(text: bytes, end: int) -> bytes:
    """The brackets that close there."""
    begin = end
    while text[begin - 1] in b"}]":
        begin -= 1
    return text[begin:end]


def _last_field(text: bytes, end: int) -> bytes:
    """What the name of the last field before a position ends with; empty if it is not near."""
    colon = text.rfind(b'":', max(0, end - _VALUE), end)
    return text[max(0, colon - _NAMED) : max(0, colon)]


def _last_of(text: bytes, end: int) -> int:
    """The end of what stands before a position, but for blanks."""
    floor = max(0, end - _BRACES)
    while end > floor and text[end - 1] in _BLANK:
        end -= 1
    return end
