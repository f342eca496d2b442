"""Reading the region-wide listing as it comes, without making a record of every item.

A region may hold thousands of snapshots of which a few have changed since the last poll. So of each
item only its ids, its name and the bytes of its status are taken; the record is made on demand.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from sys import intern
from typing import Protocol, TypeVar

import msgspec

from .._http import JSON, Mask, Response, parse_json
from ..errors import UnexpectedResponseError
from ..models import (
    Identifier,
    RegionSnapshot,
    Snapshot,
    SnapshotStatus,
    VolumeStatus,
    has_extra,
    with_extra,
)
from .array_splitter import ArraySplitter
from .fast import UNREADABLE, is_sound, split
from .page_reader import no_array, page
from .records import record, structure, unstructure

T = TypeVar("T")

_NULL = msgspec.Raw(b"null")

_timer = time.perf_counter if sys.platform == "win32" else time.thread_time
"""Not what other programs take of the processor meanwhile; Windows tells that by 1/64 s only."""


class ListingItem(msgspec.Struct, gc=False):
    """An item of the listing: what identifies it, and the rest as it stands in the body."""

    id: str
    name: str | None = None
    description: msgspec.Raw = _NULL
    created_at: msgspec.Raw = _NULL
    instance: msgspec.Raw = _NULL

    def inner(self) -> "Inner":
        """What identifies the object within."""
        try:
            return _INNER.decode(self.instance) or Inner()
        except UNREADABLE:
            return Inner()

    def status(self, mask: Mask = bytes) -> "ListedStatus | None":
        """The status of the object within; None if that has to be read with the whole record."""
        try:
            return _SHOWN.decode(mask(bytes(self.instance))).status
        except UNREADABLE:
            return None

    def digest(self) -> int:
        """Changes with the object within.

        It is 64 bits and keyed: that two contents share one happens once in 10^19 comparisons.
        """
        return hash(bytes(self.instance))

    def record(self, mask: Mask = bytes) -> RegionSnapshot | None:
        """The whole, for what it shows of a snapshot; None if that does not fit."""
        return _fitting(mask(self._body()))

    def kept(self, mask: Mask) -> "ListingItem | None":
        """The same in bytes of its own, to be read later; None if that does not fit.

        The collector of cyclic garbage has nothing to do with it: 20,000 records that are made
        while a listing comes take 0.7 s of it.
        """
        try:
            return _ITEM.decode(mask(self._body()))
        except UNREADABLE:
            return None

    def _body(self) -> bytes:
        parts = (
            b'{"id":',
            msgspec.json.encode(self.id),
            b',"name":',
            msgspec.json.encode(self.name),
            b',"resource_type":"","description":',  # to fill in what is absent takes longer
            self.description,
            b',"created_at":',
            self.created_at,
            b',"instance":',
            self.instance,
            b"}",
        )
        return b"".join(parts)


class Inner(msgspec.Struct, gc=False):
    """The id and the name that an item's `instance` has."""

    id: str | None = None
    name: str | None = None


class _ListedVolume(msgspec.Struct, gc=False):
    id: Identifier
    state: str = ""


class ListedStatus(msgspec.Struct, gc=False):
    """A status in a form that is made in a third of a record's time, and is no collector's work."""

    state: str = ""
    volumes: tuple[_ListedVolume, ...] = ()
    message: str = ""

    def of(self, known: Snapshot) -> Snapshot:
        """The record that differs from one known before by this status alone."""
        volumes = [VolumeStatus(one.id, one.state) for one in self.volumes]
        return with_status(known, SnapshotStatus(self.state, tuple(volumes), self.message))


class _Shown(msgspec.Struct, gc=False):
    status: ListedStatus


_SHOWN = msgspec.json.Decoder(_Shown)
_INNER = msgspec.json.Decoder(Inner | None)
_ITEM = msgspec.json.Decoder(ListingItem)
_ITEMS = msgspec.json.Decoder(list[ListingItem])


def _fitting(body: bytes) -> RegionSnapshot | None:
    try:
        return record(body, RegionSnapshot, 200)
    except UnexpectedResponseError:
        return None


def _array(body: bytes) -> list[JSON] | None:
    """What a JSON array holds; None of anything else."""
    if body[:1] != b"[":
        return None
    try:
        data = parse_json(body)
    except UnexpectedResponseError:
        return None
    return data if isinstance(data, list) else None


def _fitting_of(array: Iterable[JSON]) -> Iterator[RegionSnapshot]:
    """The records of those items that fit."""
    for one in array:
        with suppress(UnexpectedResponseError):
            yield structure(one, RegionSnapshot)


def items_of(records: Iterable[RegionSnapshot]) -> list[ListingItem]:
    """Records as items, but for those with a text that is none."""
    items: list[ListingItem] = []
    for one in records:
        try:
            items.append(_ITEM.decode(msgspec.json.encode(unstructure(one))))
        except UnicodeEncodeError:  # half a surrogate pair
            continue
    return items


class ListingConsumer(Protocol):
    """Who is shown the listing.

    Attributes:
        limit: how many bytes of it are worth their price.
    """

    limit: float

    def begin(self, mask: Mask) -> None:
        """The listing begins, perhaps anew; `mask` makes what is shown of it safe to keep."""
        ...

    def consume(self, items: Sequence[ListingItem], left_out: int = 0) -> None:
        """These come next; so many others with them are no items at all."""
        ...


class RegionListingReader:
    """Reads the body of the listing and shows it; a sink for one that comes in pieces.

    Attributes:
        spent: seconds of the processor that reading takes. Showing what has changed, or is new, is
            not part of it.
        has_pages: whether the server promises more pages, which were not read.
    """

    def __init__(self, consumer: ListingConsumer, timer: Callable[[], float] = _timer) -> None:
        self._consumer = consumer
        self._timer = timer
        self.begin(None, 0, bytes)

    def begin(self, length: int | None, most: int, mask: Mask) -> bool:
        self._most = most
        self._mask = mask
        self._splitter = ArraySplitter()
        self._size = 0
        self.spent = 0.0
        self.has_pages = False
        self._left_out = 0
        self._is_worth_it = (length or 0) <= self._consumer.limit
        self._consumer.begin(mask)
        return self._is_worth_it

    def take(self, piece: bytes) -> bool:
        self._size += len(piece)
        began = self._timer()
        items = self._splitter.feed(piece, self._items)
        self.spent += self._timer() - began
        if items is not None:
            self._show(items)
        is_kept = self._splitter.size <= self._most
        self._is_worth_it = is_kept and self._size <= self._consumer.limit
        return self._is_worth_it

    def __call__(self, response: Response) -> bool:
        """Whether the listing was seen whole; False if it was larger than it is worth.

        Raises `UnexpectedResponseError` if it is no list.
        """
        if not response.streamed:
            self.begin(None, len(response.body), bytes)
            self.take(response.body)
        if not self._is_worth_it:
            return False
        items = self._splitter.end(self._items)
        if items is None:
            began = self._timer()
            unread = self._mask(self._splitter.remainder())
            items = self._slowly(Response(response.status, {}, unread))
            self.spent += self._timer() - began
        self._show(items)
        return True

    def _items(self, body: bytes) -> list[ListingItem] | None:
        """The items of a JSON array."""
        if is_sound(body):
            try:
                return _ITEMS.decode(body)
            except UNREADABLE:
                pass  # an odd item, or a cut that is none
        raws = split(body)
        if raws is None:
            return None
        items = [item for raw in raws if (item := _odd_item(bytes(raw))) is not None]
        self._left_out += len(raws) - len(items)
        return items

    def _slowly(self, unread: Response) -> list[ListingItem]:
        """The items of what is no array to msgspec."""
        array = _array(unread.body)
        if array is not None:  # half a surrogate pair stands in it
            records, length = list(_fitting_of(array)), len(array)
        elif self._splitter.began:
            raise no_array(unread.status)
        else:
            whole = page(tuple[RegionSnapshot, ...], 1)(unread)
            self.has_pages = (whole.pages or 1) > 1
            records, length = list(whole.items), len(whole.items)
        items = items_of(records)
        self._left_out = length - len(items)
        return items

    def _show(self, items: Sequence[ListingItem]) -> None:
        left_out, self._left_out = self._left_out, 0
        self._consumer.consume(items, left_out)


def _odd_item(raw: bytes) -> ListingItem | None:
    """An item that is not quite as documented; None if it is none at all."""
    if is_sound(raw):
        try:
            return _ITEM.decode(raw)
        except UNREADABLE:
            pass
    found = _fitting(raw)
    return next(iter(items_of([found] if found else [])), None)


def name_of(item: RegionSnapshot) -> str:
    """The item's name, wherever it stands."""
    return item.name or (item.instance.name if item.instance else "")


def as_snapshot(
    item: RegionSnapshot, snapshot_id: str, instance_id: str, known: Snapshot | None = None
) -> Snapshot:
    """The item in the form that the instance's own endpoints answer, in little memory.

    What is as in the record known before is shared with it: a run keeps thousands of them.
    """
    inner = item.instance or Snapshot(id=item.id)
    before = known or inner
    found = Snapshot(
        snapshot_id,
        _either(before.name, name_of(item)),
        _either(before.description, item.description or inner.description),
        _either(before.included_volumes, inner.included_volumes),
        inner.status,
        _either(before.created_at, item.created_at or inner.created_at),
        instance_id,
    )
    return compact(with_extra(found, inner.extra) if has_extra(inner) else found)


def with_status(known: Snapshot, status: SnapshotStatus) -> Snapshot:
    """A record that differs from one known before by its status alone."""
    found = Snapshot(
        known.id,
        known.name,
        known.description,
        known.included_volumes,
        status,
        known.created_at,
        known.instance_id,
    )
    return with_extra(found, known.extra) if has_extra(known) else found


def _either(old: T, new: T) -> T:
    """The old one if both are equal, so that only one of them is kept."""
    return old if old == new else new


def compact(record: Snapshot) -> Snapshot:
    """Keep a volume's id, and a state's text, once: the record itself, which stays what it was."""
    # A copy of each part costs five times as much, and equal texts change no record.
    included, status = record.included_volumes, record.status
    ids = dict(zip(included, included, strict=True))
    _put(status, "state", intern(status.state))
    for volume in status.volumes:
        _put(volume, "id", ids.get(volume.id, volume.id))
        _put(volume, "state", intern(volume.state))
    return record


_put = object.__setattr__  # also of a frozen record
