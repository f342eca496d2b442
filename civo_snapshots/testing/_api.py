"""The fake API as a function: routes, the token, the region, then the endpoint."""

from collections.abc import Callable, Mapping
from typing import TypeAlias
from urllib.parse import unquote

from civo_snapshots.testing import (
    _instance_endpoints,
    _schedule_endpoints,
    _snapshot_endpoints,
)
from civo_snapshots.testing._state import RegionState
from civo_snapshots.testing._switches import Availability
from civo_snapshots.testing._wire import (
    NO_SUCH_PAGE,
    Answer,
    Call,
    NoSuchPageError,
    RefusedError,
    RefusedField,
    RefusedFieldError,
)

_Endpoint: TypeAlias = Callable[[RegionState, Call], Answer]

_REGIONS = "GET /v2/regions"
_ENDPOINTS: Mapping[str, _Endpoint] = {
    "GET /v2/quota": _instance_endpoints.get_quota,
    "GET /v2/instances": _instance_endpoints.list_instances,
    "GET /v2/instances/{id}": _instance_endpoints.get_instance,
    "POST /v2/instances/{id}/snapshots": _snapshot_endpoints.create_snapshot,
    "GET /v2/instances/{id}/snapshots": _snapshot_endpoints.list_snapshots,
    "GET /v2/instances/{id}/snapshots/{sid}": _snapshot_endpoints.get_snapshot,
    "PUT /v2/instances/{id}/snapshots/{sid}": _snapshot_endpoints.update_snapshot,
    "DELETE /v2/instances/{id}/snapshots/{sid}": _snapshot_endpoints.delete_snapshot,
    "POST /v2/instances/{id}/snapshots/{sid}/restore": _snapshot_endpoints.restore_snapshot,
    "GET /v2/resourcesnapshots": _snapshot_endpoints.list_region_snapshots,
    "GET /v2/resourcesnapshots/{id}": _snapshot_endpoints.get_region_snapshot,
    "PUT /v2/resourcesnapshots/{id}": _snapshot_endpoints.update_region_snapshot,
    "DELETE /v2/resourcesnapshots/{id}": _snapshot_endpoints.delete_snapshot,
    "POST /v2/resourcesnapshots/{id}/restore": _snapshot_endpoints.restore_region_snapshot,
    "POST /v2/resourcesnapshotschedules": _schedule_endpoints.create_schedule,
    "GET /v2/resourcesnapshotschedules": _schedule_endpoints.list_schedules,
    "GET /v2/resourcesnapshotschedules/{id}": _schedule_endpoints.get_schedule,
    "PUT /v2/resourcesnapshotschedules/{id}": _schedule_endpoints.update_schedule,
    "DELETE /v2/resourcesnapshotschedules/{id}": _schedule_endpoints.delete_schedule,
}
ROUTES = frozenset({_REGIONS, *_ENDPOINTS})
"""What is served, such as "GET /v2/instances/{id}"."""

_OF_SNAPSHOTS = frozenset(route for route in ROUTES if "snapshot" in route)
_REGION_LISTING = frozenset(route for route in ROUTES if "resourcesnapshots" in route.split("/"))

# A region may serve for days, to a client that never learns.
_MOST_REFUSED_FIELDS = 1_000

# In every template an id stands third or fifth in the path, and nowhere else.
_ID_PLACES = (2, 4)


def _shape(method: str, parts: list[str]) -> tuple[str, ...]:
    return (method, *("{}" if i in _ID_PLACES else part for i, part in enumerate(parts)))


_BY_SHAPE = {
    _shape(method, path[1:].split("/")): route
    for route in ROUTES
    for method, path in [route.split(" ")]
}


def find_route(method: str, raw_path: str) -> tuple[str, tuple[str, ...]]:
    """The route of a path as it came on the wire, dots and all, and the ids in it.

    What is not served has the route "METHOD (unknown)".
    """
    parts = raw_path[1:].split("/")
    route = _BY_SHAPE.get(_shape(method, parts))
    if route is None or "" in parts:
        return f"{method} (unknown)", ()
    return route, tuple(unquote(parts[i]) for i in _ID_PLACES if i < len(parts))


class Api:
    """Answers calls from the regions' states, the same way for the same state and time.

    Attributes:
        token: the only one that is let in.
        refused_fields: what was sent and not taken, in the order of arrival, the latest thousand.
    """

    def __init__(self, states: Mapping[str, RegionState], token: str) -> None:
        self.token = token
        self.refused_fields: list[RefusedField] = []
        self._states = states

    def answer(self, call: Call) -> Answer:
        if call.route not in ROUTES:
            return NO_SUCH_PAGE
        if not self._is_authorized(call):
            return Answer.of({"result": "requires_authentication"}, 401)
        # What is said before a region is known is said as the first one says it.
        state = next(iter(self._states.values()))
        try:
            state = self._region(call, state)
            return self._answer_of(state, call)
        except NoSuchPageError:
            return NO_SUCH_PAGE
        except RefusedError as refused:
            if isinstance(refused, RefusedFieldError):
                field, value, reason = refused.field, refused.value, refused.reason
                self.refused_fields.append(RefusedField(call.route, field, value, reason))
                del self.refused_fields[:-_MOST_REFUSED_FIELDS]
            return refused.answer(state.switches.error_reason)

    def _answer_of(self, state: RegionState, call: Call) -> Answer:
        if call.route == _REGIONS:
            codes = [one.code for one in self._states.values()]
            return _instance_endpoints.list_regions(state, codes)
        if call.route in _OF_SNAPSHOTS:
            _check_availability(state.switches.snapshots)
        if call.route in _REGION_LISTING and not state.switches.region_listing:
            raise NoSuchPageError
        return _ENDPOINTS[call.route](state, call)

    def _is_authorized(self, call: Call) -> bool:
        scheme, _, token = call.authorization.partition(" ")
        return scheme.lower() == "bearer" and token == self.token

    def _region(self, call: Call, first: RegionState) -> RegionState:
        code = call.query.get("region", "")
        state = self._states.get(code.lower())
        if state is None and call.route == _REGIONS:
            # The list of regions is where one learns their codes.
            return first
        if state is None:
            raise RefusedError("database_region_not_found", f"there is no region {code!r}")
        return state


def _check_availability(availability: Availability) -> None:
    """Refuse as regions do that are not private ones."""
    match availability:
        case "served":
            return
        case "missing":
            raise NoSuchPageError
        case "forbidden":
            raise RefusedError("database_account_access_denied", "this is not for you")
        case "disabled":
            raise RefusedError("disabled_service", "snapshots are not enabled in this region")
