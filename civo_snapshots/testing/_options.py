"""The keywords of a fake region, for type checkers: what `Switches` holds, and the region's own."""

from collections.abc import Sequence
from typing import TypedDict

from civo_snapshots.testing._clock import RegionClock
from civo_snapshots.testing._switches import (
    Acknowledgement,
    Availability,
    Blank,
    CodeCase,
    DateForm,
    Included,
    Names,
    Numbers,
    Reasons,
    RegionIds,
    RestoreEnd,
    RestoreStatus,
    Shown,
    Span,
    StateSpelling,
    VolumeListing,
    Wrapping,
)


class SwitchOptions(TypedDict, total=False):
    """The switches as keywords; a test keeps the two equal."""

    duration: Span
    restore_duration: Span
    restore_queue: float
    delete_takes: float
    capture_after: float
    complete_early: float
    clock_skew: float
    date_skew: float
    created_skew: float
    instance_skew: float
    created_at_form: DateForm
    visible_after: float
    read_lag: float
    stale_share: float
    listing_gaps: float
    names_as_ids: bool
    unique_names: Names
    taken_name_code: str
    code_case: CodeCase
    snapshot_limit: int
    one_at_a_time: bool
    quota_lock: float
    failure_rate: float
    states: StateSpelling
    volume_listing: VolumeListing
    included_volumes: Included
    blank: Blank
    empty_status: float
    messages: bool
    region_ids: RegionIds
    region_listing: bool
    wrapped_lists: bool
    acknowledgement: Acknowledgement
    empty_delete: bool
    shows_deleting: bool
    delete_pending: bool
    restore_status: RestoreStatus
    restore_wrapping: Wrapping
    restore_ends: RestoreEnd
    shows_source: Shown
    restore_address: bool
    domain: str
    rich_cron: bool
    schedule_codes: bool
    page_cap: int
    tells_pages: bool
    pages_off_by: int
    null_per_page: bool
    numbers: Numbers
    error_reason: Reasons
    refuse_unknown: bool
    snapshots: Availability
    request_ids: bool
    rate_limit: int | None


class RegionOptions(SwitchOptions, total=False):
    """Everything that a `FakeRegion` can be given beside its seed."""

    instances: int
    volumes: int
    strangers: int
    region: str
    more_regions: Sequence[str]
    token: str
    clock: RegionClock | None
    latency: float
    port: int
    keep_requests: bool
    expose_stats: bool
