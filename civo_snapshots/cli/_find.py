"""What people call instances and snapshots: an id, a name, a hostname, or a beginning of one."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from attrs import define, field, frozen

from .._client import CivoClient
from ..errors import NotFoundError, ServiceDisabledError, short
from ..models import Instance, RegionSnapshot, Snapshot, SnapshotStatus
from ._exits import Exit
from ._session import EndedError

T = TypeVar("T")

_MOST_CANDIDATES = 10
_SEPARATOR = "/"


@define
class Directory:
    """The instances of a region, read once, in the region's order."""

    instances: Sequence[Instance]
    region: str = ""
    by_id: Mapping[str, Instance] = field(init=False)
    by_volume: Mapping[str, Instance] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.by_id = {one.id: one for one in self.instances}
        self.by_volume = {v.id: one for one in self.instances for v in one.attached_volumes}

    @classmethod
    async def read(cls, civo: CivoClient) -> "Directory":
        """By one listing."""
        return cls(await civo.instances.list().collect(), civo.region or "")

    @property
    def hostnames(self) -> dict[str, str]:
        """By id."""
        return {one.id: one.hostname for one in self.instances}

    def hostname(self, instance_id: str) -> str:
        """What people call an instance; empty if it is gone."""
        found = self.by_id.get(instance_id)
        return found.hostname if found else ""

    def one(self, text: str) -> Instance:
        """The instance that is meant; the command ends if there is none, or more than one."""
        return the_one(
            text,
            self.instances,
            names=lambda one: (one.id, one.hostname),
            told=lambda one: f"{one.hostname} ({one.id})",
            what=f"instance in {self.region}",
            listed_by="civo-snapshots instances",
        )


@frozen
class Found:
    """A snapshot that is meant.

    Attributes:
        snapshot: its record; without an instance id where the region does not tell it, or that
            instance is gone.
        item: the region's record of it, by which it can be used without naming its instance.
    """

    snapshot: Snapshot
    hostname: str = ""
    item: RegionSnapshot | None = None

    @property
    def label(self) -> str:
        """What people call it."""
        holder = self.hostname or self.snapshot.instance_id or "?"
        return f"{short(holder)}{_SEPARATOR}{short(self.snapshot.name)}"


def the_one(
    text: str,
    items: Iterable[T],
    *,
    names: Callable[[T], Sequence[str]],
    told: Callable[[T], str],
    what: str,
    listed_by: str,
) -> T:
    """The one of these that a text means: an exact name first, then a beginning that one has."""
    everything = list(items)
    for fits in (str.__eq__, str.startswith):
        found = [item for item in everything if any(fits(name, text) for name in names(item))]
        if len(found) == 1:
            return found[0]
        if found and text:
            shown = [f"  {told(item)}" for item in found[:_MOST_CANDIDATES]]
            if len(found) > _MOST_CANDIDATES:
                shown.append(f"  and {len(found) - _MOST_CANDIDATES} more")
            candidates = "\n".join(shown)
            raise EndedError(
                Exit.USAGE,
                f"Error: {short(text)!a} may be any of {len(found)}; use an id:\n" + candidates,
            )
    raise EndedError(
        Exit.FAILED, f"Error: there is no {what} called {short(text)!a}; `{listed_by}` lists them."
    )


async def find_snapshots(
    civo: CivoClient, texts: Sequence[str], instance: str | None = None
) -> list[Found]:
    """The snapshots that are meant, each once."""
    return (await find_in_region(civo, texts, instance))[1]


async def find_in_region(
    civo: CivoClient, texts: Sequence[str], instance: str | None = None
) -> tuple[Directory, list[Found]]:
    """The snapshots that are meant, each once, and the instances that were read for that.

    One listing of the instances and one of the region's snapshots tell which are meant. What is
    found is then read where it is kept, because the region's listing need not have the id by which
    an instance is asked for its snapshot.
    """
    if instance or all(_SEPARATOR in text for text in texts):
        directory, listed = await Directory.read(civo), list[Found]()
    else:
        directory, listed = await read_region(civo)
    chosen: list[tuple[Instance | None, str, Found | None]] = []
    for text in texts:
        where, _, name = text.rpartition(_SEPARATOR)
        if where := where or instance or "":
            chosen.append((directory.one(where), name, None))
        else:
            found = _of_region(text, listed, directory)
            held = found.snapshot.instance_id and found.item is not None
            holder = directory.one(found.snapshot.instance_id) if held else None
            chosen.append((holder, name, found))
    holders = {holder.id: holder for holder, _, _ in chosen if holder}
    lists = await asyncio.gather(*(civo.snapshots.list(one).collect() for one in holders.values()))
    own = dict(zip(holders, lists, strict=True))
    result = [
        _settled(found, name, own[holder.id], holder) if holder else found
        for holder, name, found in chosen
    ]
    return directory, list({one.snapshot.id: one for one in result if one}.values())


def _of_region(text: str, listed: Iterable[Found], directory: Directory) -> Found:
    return the_one(
        text,
        listed,
        names=lambda one: (one.snapshot.id, one.item.id if one.item else "", one.snapshot.name),
        told=lambda one: f"{one.label} ({one.snapshot.id})",
        what=f"snapshot in {directory.region}",
        listed_by="civo-snapshots list",
    )


def _settled(found: Found | None, name: str, own: Sequence[Snapshot], holder: Instance) -> Found:
    """What is meant, as its own instance has it."""
    if found is not None and found.item is not None:
        return Found(_same(found.item, own), holder.hostname, found.item)
    snapshot = the_one(
        name,
        own,
        names=lambda one: (one.id, one.name),
        told=lambda one: f"{one.name} ({one.id})",
        what=f"snapshot of {holder.hostname}",
        listed_by=f"civo-snapshots list {holder.hostname}",
    )
    return Found(snapshot, holder.hostname)


def _same(item: RegionSnapshot, own: Sequence[Snapshot]) -> Snapshot:
    """The same snapshot among those of its instance: by either id, else by name and time."""
    ids = {item.id, item.instance.id if item.instance else ""}
    for found in (
        [one for one in own if one.id in ids],
        [one for one in own if one.name == item.name and one.created_at == item.created_at],
    ):
        if len(found) == 1:
            return found[0]
    raise EndedError(
        Exit.FAILED,
        f"Error: the region lists snapshot {short(item.name)}, but its instance does not have it.",
    )


async def read_region(civo: CivoClient) -> tuple[Directory, list[Found]]:
    """The instances of the region and all its snapshots: two listings, at the same time.

    Where there is no listing of the region's snapshots, each instance is asked for its own.
    """
    reading = asyncio.ensure_future(Directory.read(civo))
    try:
        listed = await civo.region_snapshots.list().collect()
    except (NotFoundError, ServiceDisabledError):
        directory = await reading
        lists = await asyncio.gather(
            *(civo.snapshots.list(one).collect() for one in directory.instances)
        )
        return directory, [
            Found(snapshot, holder.hostname)
            for holder, own in zip(directory.instances, lists, strict=True)
            for snapshot in own
        ]
    except BaseException:
        reading.cancel()
        await asyncio.wait({reading})
        raise
    directory = await reading
    return directory, [_read(item, directory) for item in listed]


def _read(item: RegionSnapshot, directory: Directory) -> Found:
    """An item of the region's listing, with the id and the instance that can be told from it."""
    inner, holder = item.instance, _holder_of(item, directory)
    is_snapshot = inner is not None and holder is not None and inner.id != holder.id
    snapshot = Snapshot(
        id=inner.id if inner and is_snapshot else item.id,
        name=item.name,
        description=item.description,
        included_volumes=inner.included_volumes if inner else (),
        status=inner.status if inner else SnapshotStatus(),
        created_at=item.created_at,
        instance_id=holder.id if holder else "",
    )
    return Found(snapshot, holder.hostname if holder else "", item)


def _holder_of(item: RegionSnapshot, directory: Directory) -> Instance | None:
    """The instance of a snapshot of the region's listing; None if that cannot be told.

    The inner object is the instance in some deployments, and the snapshot in others: there the
    volumes tell.
    """
    inner = item.instance
    if inner is None:
        return None
    if (same := directory.by_id.get(inner.id)) is not None:
        return same
    holders = {
        directory.by_volume[volume].id: directory.by_volume[volume]
        for volume in inner.included_volumes
        if volume in directory.by_volume
    }
    return next(iter(holders.values())) if len(holders) == 1 else None
