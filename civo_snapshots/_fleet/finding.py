"""Finding a run by its name: one look at what exists, which sends nothing but reads."""

from collections.abc import Callable, Collection
from functools import partial

from attrs import evolve

from .. import _naming
from .._api import RegionApi
from .._concurrency import for_each
from ..errors import CivoError, NotFoundError
from ..outcomes import FleetRun, Outcome, OutcomeKind
from .adoption import Adoption
from .choice import choose
from .member import as_shown
from .patience import step_within
from .settings import RunSettings
from .stopping import StopCondition


class RunSearch:
    """Looks for the snapshots of a run, within the settings' time."""

    def __init__(self, api: RegionApi, settings: RunSettings) -> None:
        clock = api.session.clock
        ends_at = clock.monotonic() + settings.timeout
        self._api = api
        self._settings = settings
        self._hostnames = dict(settings.hostnames)
        self._left: Callable[[], float] = lambda: ends_at - clock.monotonic()
        self._stop = StopCondition(api, self._left)
        self._adoption = Adoption(api, settings.name, self._left)

    async def of_instances(self, instances: Collection[str]) -> FleetRun:
        """The run of these instances, in their order; what is missing was not attempted."""
        await self._stop.confirmed(self._adoption.prepare)
        found = await self._read_all(instances)
        return FleetRun(self._settings.name, tuple(found[one] for one in instances))

    async def of_number(self, expected: int) -> FleetRun:
        """The run of whatever instances it has; as many as are missing were not attempted."""
        await self._stop.confirmed(self._adoption.prepare)
        instances = self._adoption.instances_shown()
        if instances is None:
            listed = await self._stop.confirmed(self._list_instances)
            instances = self._adoption.instances_among(listed)
        looked_at = (await self._read_all(instances)).values()
        found = [out for out in looked_at if out.kind is not OutcomeKind.NOT_ATTEMPTED]
        error = CivoError(f"{expected} snapshots of the run were expected, {len(found)} were found")
        missing = Outcome("", "", OutcomeKind.NOT_ATTEMPTED, error=error, region=self._region)
        return FleetRun(self._settings.name, (*found, *[missing] * (expected - len(found))))

    @property
    def _region(self) -> str:
        return self._api.named_region()

    async def _list_instances(self) -> list[str]:
        step = step_within(self._api.session, self._left)
        listed = await self._api.list_instances(step).collect()
        self._hostnames |= {one.id: one.hostname for one in listed}
        return [one.id for one in listed]

    async def _read_all(self, instances: Collection[str]) -> dict[str, Outcome]:
        found: dict[str, Outcome] = {}

        async def read(instance_id: str) -> None:
            try:
                call = partial(self._read, instance_id)
                found[instance_id] = await self._stop.confirmed(call, instance_id)
            except CivoError as error:
                is_absent = isinstance(error, NotFoundError)
                kind = OutcomeKind.NOT_ATTEMPTED if is_absent else OutcomeKind.UNKNOWN
                found[instance_id] = evolve(self._missing(instance_id), kind=kind, error=error)

        unique = dict.fromkeys(instances)
        first = next(filter(self._adoption.shown, unique), None)
        if first is not None:  # it shows whether the listing alone tells the others
            await read(first)
            del unique[first]
        await for_each(unique, read, workers=min(self._settings.concurrency, len(unique)))
        return found

    async def _read(self, instance_id: str) -> Outcome:
        found = self._adoption.shown(instance_id) or []
        if not (found and self._adoption.is_told(instance_id)):
            found = await self._adoption.find(instance_id, at_once=True)
        choice = choose(found, instance_id, self._settings, self._adoption.now())
        missing = self._missing(instance_id)
        if choice.snapshot is None:
            return missing
        told = evolve(missing, name=choice.name, snapshot=choice.snapshot, adopted=True)
        told = evolve(told, duplicates=choice.further)
        if choice.refusal is not None:
            return evolve(told, kind=OutcomeKind.REFUSED, error=choice.refusal)
        kind, error = as_shown(choice.snapshot, self._settings.states, is_proven=True)
        if kind is OutcomeKind.TIMED_OUT:
            kind, error = OutcomeKind.PENDING, None
        return evolve(told, kind=kind, error=error)

    def _missing(self, instance_id: str) -> Outcome:
        name = self._settings.name_for(instance_id)
        return Outcome(
            instance_id,
            name,
            OutcomeKind.NOT_ATTEMPTED,
            error=CivoError(f"instance {_naming.short(instance_id)} has no snapshot {name}"),
            region=self._region,
            hostname=self._hostnames.get(instance_id, ""),
        )
