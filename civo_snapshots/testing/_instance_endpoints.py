"""The endpoints of instances, regions and quota: from a call to its answer."""

from civo_snapshots.testing._finding import find_instance
from civo_snapshots.testing._payloads import instance_payload, number, region_payload
from civo_snapshots.testing._quota import quota_payload
from civo_snapshots.testing._state import RegionState
from civo_snapshots.testing._wire import Answer, Call, JsonObject, RefusedFieldError, array, to_json

_DEFAULT_PER_PAGE = 20


def list_instances(state: RegionState, call: Call) -> Answer:
    switches = state.switches
    page = _page_number(call, "page", 1)
    per_page = min(_page_number(call, "per_page", _DEFAULT_PER_PAGE), switches.page_cap)
    seen = state.seen_at(call.at)
    instances = [one for one in state.instances.values() if seen >= one.shows_from]
    shown = instances[(page - 1) * per_page : page * per_page]
    envelope: JsonObject = {
        "page": number(state, page),
        "per_page": None if switches.null_per_page else number(state, per_page),
    }
    if switches.tells_pages:
        pages = -(-len(instances) // per_page) + switches.pages_off_by
        envelope["pages"] = number(state, pages)
    envelope["items"] = [instance_payload(state, instance, seen) for instance in shown]
    return Answer.of(envelope)


def get_instance(state: RegionState, call: Call) -> Answer:
    seen = state.seen_at(call.at)
    return Answer.of(instance_payload(state, find_instance(state, call.ids[0], seen), seen))


def list_regions(state: RegionState, codes: list[str]) -> Answer:
    regions = [region_payload(state, code, default=code == codes[0]) for code in codes]
    return array([to_json(region) for region in regions], wrapped=state.switches.wrapped_lists)


def get_quota(state: RegionState, call: Call) -> Answer:
    return Answer.of(quota_payload(state, call.at))


def _page_number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1_000_000):
        raise RefusedFieldError(name, text, f"{name} must be a whole number above zero")
    return int(text)
