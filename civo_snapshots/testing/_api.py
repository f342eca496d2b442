"""The fake API as a function: routes, the token, the region, then the endpoint."""

from collections.abc import Callable, Mapping
from typing import TypeAlias
from urllib.parse import unquote

from civo_snapshots.testing import _endpoints, _schedules
from civo_snapshots.testing._state import RegionState
from civo_snapshots.testing._wire import NO_SUCH_PAGE, Answer, Call, RefusedError

_Endpoint: TypeAlias = Callable[[RegionState, Call], Answer]

_REGIONS = "GET /v2/regions"
_ENDPOINTS: Mapping[str, _Endpoint] = {
    _REGIONS: _endpoints.list_regions,
    "GET /v2/quota": _endpoints.get_quota,
    "GET /v2/instances": _endpoints.list_instances,
    "GET /v2/instances/{id}": _endpoints.get_instance,
    "POST /v2/instances/{id}/snapshots": _endpoints.create_snapshot,
    "GET /v2/instances/{id}/snapshots": _endpoints.list_snapshots,
    "GET /v2/instances/{id}/snapshots/{sid}": _endpoints.get_snapshot,
    "PUT /v2/instances/{id}/snapshots/{sid}": _endpoints.update_snapshot,
    "DELETE /v2/instances/{id}/snapshots/{sid}": _endpoints.delete_snapshot,
    "POST /v2/instances/{id}/snapshots/{sid}/restore": _endpoints.restore_snapshot,
    "GET /v2/resourcesnapshots": _endpoints.list_region_snapshots,
    "GET /v2/resourcesnapshots/{id}": _endpoints.get_region_snapshot,
    "PUT /v2/resourcesnapshots/{id}": _endpoints.update_region_snapshot,
    "DELETE /v2/resourcesnapshots/{id}": _endpoints.delete_region_snapshot,
    "POST /v2/resourcesnapshots/{id}/restore": _endpoints.restore_region_snapshot,
    "POST /v2/resourcesnapshotschedules": _schedules.create_schedule,
    "GET /v2/resourcesnapshotschedules": _schedules.list_schedules,
    "GET /v2/resourcesnapshotschedules/{id}": _schedules.get_schedule,
    "PUT /v2/resourcesnapshotschedules/{id}": _schedules.update_schedule,
    "DELETE /v2/resourcesnapshotschedules/{id}": _schedules.delete_schedule,
}
ROUTES = frozenset(_ENDPOINTS)
_REGION_LISTING = {route for route in ROUTES if "resourcesnapshots" in route.split("/")}

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
    """Answers calls from the regions' states, the same way for the same state and time."""

    def __init__(self, states: Mapping[str, RegionState], token: str) -> None:
        self._states = states
        self._token = token

    def answer(self, call: Call) -> Answer:
        endpoint = _ENDPOINTS.get(call.route)
        if endpoint is None:
            return NO_SUCH_PAGE
        if not self._is_authorized(call):
            return Answer.of({"result": "requires_authentication"}, 401)
        try:
            state = self._region(call)
            if not state.behaviour.region_listing and call.route in _REGION_LISTING:
                return NO_SUCH_PAGE
            return endpoint(state, call)
        except RefusedError as refused:
            return refused.answer

    def _is_authorized(self, call: Call) -> bool:
        scheme, _, token = call.authorization.partition(" ")
        return scheme.lower() == "bearer" and token == self._token

    def _region(self, call: Call) -> RegionState:
        code = call.query.get("region", "")
        state = self._states.get(code.lower())
        if state is None and call.route == _REGIONS:
            # The list of regions is where one learns their codes.
            return next(iter(self._states.values()))
        if state is None:
            raise RefusedError(404, "database_region_not_found", f"there is no region {code!r}")
        return state
