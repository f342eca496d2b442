"""Every reading that the API's description leaves open, as a switch of the fake."""

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args, get_origin, get_type_hints

from attrs import fields, frozen

Span: TypeAlias = tuple[float, float]
RegionIds: TypeAlias = Literal["outer", "inner", "name"]
Names: TypeAlias = Literal["free", "instance", "region"]
CodeCase: TypeAlias = Literal["given", "lower", "upper"]
DateForm: TypeAlias = Literal["Z", "offset", "fraction", "nanoseconds", "empty", "zero"]
StateSpelling: TypeAlias = Literal["documented", "drawn"] | Mapping[str, str]
VolumeListing: TypeAlias = Literal["each", "late", "partial", "none", "summary"]
Included: TypeAlias = Literal["listed", "empty", "null", "missing"]
Blank: TypeAlias = Literal["empty", "null", "missing"]
Acknowledgement: TypeAlias = Literal["result", "full", "empty"]
Wrapping: TypeAlias = Literal["documented", "always", "never"]
RestoreStatus: TypeAlias = Literal[200, 201]
RestoreEnd: TypeAlias = Literal["ACTIVE", "SHUTOFF", "ERROR"]
Shown: TypeAlias = Literal["no", "snapshot_id", "source_id", "both"]
Numbers: TypeAlias = Literal["integer", "text", "float", "drawn"]
Reasons: TypeAlias = Literal["text", "null", "list", "object"]
Availability: TypeAlias = Literal["served", "forbidden", "missing", "disabled"]


@frozen(kw_only=True)
class Switches:
    """How the regions of one fake behave. Times are seconds on the region's clock.

    Attributes:
        duration: the snapshot of a volume takes this long, drawn uniformly from the span.
        restore_duration: a restore takes this long, drawn likewise.
        restore_queue: a restore waits this long before it begins; nothing shows it till then.
        delete_takes: a deleted snapshot still shows, and counts in the quota, for this long.
        capture_after: the disks are captured this long after a create's answer.
        complete_early: a snapshot says that it is complete this long before its last volume.
        clock_skew: the server's calendar is ahead by this much, in everything that it dates.
        date_skew: the gateway's Date header is ahead by this much more.
        created_skew: the backend's created_at is ahead by this much more.
        instance_skew: the created_at of new instances is ahead by this much more still.
        created_at_form: how a created_at is written; "empty" and "zero" tell nothing.
        visible_after: a new snapshot shows in reads after this long.
        read_lag: reads show what was the case so long ago, whoever reads over what connection;
            the quota alone is always of now.
        stale_share: the share of reads that lag, as drawn; the others are fresh.
        listing_gaps: the share of snapshots that the region-wide listing never shows, as drawn.
        names_as_ids: a name or hostname in a path stands for the id.
        unique_names: where a snapshot's name may exist only once; "free" is nowhere.
        taken_name_code: the code of the 409 that refuses a taken name.
        code_case: how answers spell the region's code.
        snapshot_limit: how many snapshots the quota of a region allows; -1 is no limit.
        one_at_a_time: refuse a create while another snapshot of the instance is being made.
        quota_lock: a create locks the region's quota this long; creates meanwhile are refused.
        failure_rate: the share of volumes whose snapshot fails, as drawn.
        states: the documented words, those drawn for each snapshot, or a word for each key.
        volume_listing: status.volumes lists "each" volume, each when it has begun ("late"), all
            but the last ("partial"), "none", or is not even there ("summary").
        included_volumes: whether the volumes are told there, or how they are not.
        blank: how an empty description or list is sent.
        empty_status: a new snapshot has an empty status for this long; 0 is never.
        messages: tell in status.message what a snapshot does, and why it failed.
        region_ids: which id of a region-wide item is the snapshot's: "outer" (instance.id is
            then the instance's), "inner" (instance.id is the snapshot's) or "name" (none is).
        region_listing: serve the region-wide snapshot routes; 404 if not.
        wrapped_lists: lists come as {"items": [...]} instead of bare.
        acknowledgement: a deletion is answered with its result, with "full" fields, or "empty".
        empty_delete: the same as acknowledgement "empty".
        shows_deleting: what is being deleted says so in its state.
        delete_pending: a snapshot that is not complete can be deleted; it is in use if not.
        restore_status: the HTTP status of an accepted restore, 200 or 201.
        restore_wrapping: "documented" wraps region-wide restores in their resource type alone.
        restore_ends: what a restored instance is in the end.
        shows_source: which fields of a new instance name the snapshot it was made from.
        restore_address: a restore tells its instance's address though none was asked for.
        domain: what comes back behind the hostname of a new instance; empty is nothing.
        rich_cron: cron expressions may also be @daily and the like, or begin with CRON_TZ=.
        schedule_codes: a missing schedule is a 404 with a code; plain text if not.
        page_cap: the most instances that a page holds, whatever is asked.
        tells_pages: a page tells how many there are.
        pages_off_by: added to that number.
        null_per_page: a page tells null as its size.
        numbers: how numbers of instances, pages and quotas come; a "float" only in quotas.
        error_reason: what the reason of an error is; details likewise, unless it is text.
        refuse_unknown: refuse fields of a body that are not described.
        snapshots: anything but "served" is how regions answer that have no snapshots.
        request_ids: answers carry X-Request-Id.
        rate_limit: requests per calendar minute, told in X-Ratelimit-* headers; none if None.
    """

    duration: Span = (5.0, 20.0)
    restore_duration: Span = (2.0, 5.0)
    restore_queue: float = 0.0
    delete_takes: float = 0.0
    capture_after: float = 0.0
    complete_early: float = 0.0
    clock_skew: float = 0.0
    date_skew: float = 0.0
    created_skew: float = 0.0
    instance_skew: float = 0.0
    created_at_form: DateForm = "Z"
    visible_after: float = 0.0
    read_lag: float = 0.0
    stale_share: float = 1.0
    listing_gaps: float = 0.0
    names_as_ids: bool = True
    unique_names: Names = "free"
    taken_name_code: str = "database_snapshot_cannot_replace"
    code_case: CodeCase = "given"
    snapshot_limit: int = 10_000
    one_at_a_time: bool = False
    quota_lock: float = 0.0
    failure_rate: float = 0.0
    states: StateSpelling = "documented"
    volume_listing: VolumeListing = "each"
    included_volumes: Included = "listed"
    blank: Blank = "empty"
    empty_status: float = 0.0
    messages: bool = False
    region_ids: RegionIds = "outer"
    region_listing: bool = True
    wrapped_lists: bool = False
    acknowledgement: Acknowledgement = "result"
    empty_delete: bool = False
    shows_deleting: bool = False
    delete_pending: bool = True
    restore_status: RestoreStatus = 201
    restore_wrapping: Wrapping = "documented"
    restore_ends: RestoreEnd = "ACTIVE"
    shows_source: Shown = "no"
    restore_address: bool = True
    domain: str = ""
    rich_cron: bool = False
    schedule_codes: bool = True
    page_cap: int = 100
    tells_pages: bool = True
    pages_off_by: int = 0
    null_per_page: bool = False
    numbers: Numbers = "integer"
    error_reason: Reasons = "text"
    refuse_unknown: bool = True
    snapshots: Availability = "served"
    request_ids: bool = True
    rate_limit: int | None = None

    def __attrs_post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {choices}, not {getattr(self, name)!r}")
        for name in ("duration", "restore_duration"):
            shortest, longest = getattr(self, name)
            if not 0 <= shortest <= longest:
                raise ValueError(f"{name} must be a shortest and a longest number of seconds")
        for field in fields(Switches):
            value = getattr(self, field.name)
            if isinstance(value, float) and value < 0 and not field.name.endswith("_skew"):
                raise ValueError(f"{field.name} must not be negative")
        for name in ("stale_share", "listing_gaps", "failure_rate"):
            if getattr(self, name) > 1:
                raise ValueError(f"{name} is a share, 1 at most")
        if self.page_cap < 1:
            raise ValueError("page_cap must be at least 1")
        _check_states(self.states)


CHOICES: Mapping[str, tuple[object, ...]] = {
    name: get_args(hint)
    for name, hint in get_type_hints(Switches).items()
    if get_origin(hint) is Literal
}
"""What a switch may be set to, where that is one of a few words."""

STATE_KEYS = (
    *("pending", "complete", "failed", "deleting"),
    *("volume_pending", "volume_complete", "volume_failed"),
)
"""What `states` may spell, where it is a mapping."""


def _check_states(states: StateSpelling) -> None:
    if isinstance(states, str):
        if states not in ("documented", "drawn"):
            raise ValueError("states must be 'documented', 'drawn' or a mapping")
    elif unknown := set(states).difference(STATE_KEYS):
        raise ValueError(f"states does not know {sorted(unknown)}, only {STATE_KEYS}")
