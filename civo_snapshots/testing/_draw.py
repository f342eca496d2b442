"""A region drawn from a seed: each open reading of the API, one way or the other."""

import random
from typing import Any, TypeVar, get_args

from civo_snapshots.testing._options import SwitchOptions
from civo_snapshots.testing._switches import (
    Acknowledgement,
    Blank,
    CodeCase,
    DateForm,
    Included,
    Names,
    Numbers,
    Reasons,
    RegionIds,
    Shown,
    VolumeListing,
    Wrapping,
)

_T = TypeVar("_T")

# Not "partial": no snapshot of such a region is ever finished, which is a fault and no reading.
_LISTINGS: tuple[VolumeListing, ...] = ("each", "late", "none", "summary")


def draw(seed: int) -> SwitchOptions:
    """The same readings for the same seed; each is the default in half of the draws."""
    rng = random.Random(f"readings {seed}")

    def one_of(alias: Any) -> Any:
        return rng.choice(get_args(alias))

    def maybe(value: _T, default: _T) -> _T:
        # The value was drawn before, so that each switch takes its part of the series whatever
        # becomes of it.
        return value if rng.random() < 0.5 else default

    def coin() -> bool:
        return rng.random() < 0.5

    def seconds(most: float) -> float:
        return maybe(round(rng.uniform(0, most), 2), 0.0)

    def skew(most: float) -> float:
        return maybe(round(rng.uniform(-most, most), 2), 0.0)

    return SwitchOptions(
        restore_queue=seconds(60),
        delete_takes=seconds(30),
        capture_after=seconds(2),
        complete_early=seconds(5),
        clock_skew=skew(7_200),
        date_skew=skew(120),
        created_skew=skew(120),
        instance_skew=skew(10),
        created_at_form=maybe(one_of(DateForm), "Z"),
        visible_after=seconds(5),
        read_lag=seconds(5),
        stale_share=maybe(rng.random(), 1.0),
        listing_gaps=maybe(round(rng.uniform(0, 0.3), 2), 0.0),
        names_as_ids=coin(),
        unique_names=maybe(one_of(Names), "free"),
        taken_name_code=rng.choice(["database_snapshot_cannot_replace", "parameter_name_invalid"]),
        code_case=maybe(one_of(CodeCase), "given"),
        one_at_a_time=coin(),
        quota_lock=maybe(round(rng.uniform(0, 0.2), 3), 0.0),
        states="drawn" if coin() else "documented",
        volume_listing=maybe(rng.choice(_LISTINGS), "each"),
        included_volumes=maybe(one_of(Included), "listed"),
        blank=one_of(Blank),
        empty_status=seconds(3),
        messages=coin(),
        region_ids=one_of(RegionIds),
        region_listing=rng.random() < 0.8,
        wrapped_lists=coin(),
        acknowledgement=one_of(Acknowledgement),
        shows_deleting=coin(),
        delete_pending=coin(),
        restore_status=rng.choice([200, 201]),
        restore_wrapping=maybe(one_of(Wrapping), "documented"),
        restore_ends=rng.choice(["ACTIVE", "SHUTOFF"]),
        shows_source=one_of(Shown),
        domain=maybe("fleet.example", ""),
        rich_cron=coin(),
        schedule_codes=coin(),
        page_cap=rng.choice([100, 50, 20, 7]),
        tells_pages=coin(),
        pages_off_by=maybe(rng.choice([-1, 1]), 0),
        null_per_page=coin(),
        numbers=one_of(Numbers),
        error_reason=one_of(Reasons),
        request_ids=coin(),
        restore_address=coin(),
    )
