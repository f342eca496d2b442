"""Schedules: paused, resumed, and when they are due next."""

import sys
from datetime import UTC, datetime

import pytest
from attrs import evolve

from civo_snapshots import CivoClient, ConfigurationError, InvalidArgumentError, Schedule
from civo_snapshots.resources import Schedules
from civo_snapshots.testing import FakeClock, FakeRegion

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
NIGHTLY = Schedule(id="s-1", cron_expression="30 2 * * *")


@pytest.fixture
def schedules() -> Schedules:
    return CivoClient("token", region="LON1", clock=FakeClock(NOON)).schedules


def texts(runs: tuple[datetime, ...]) -> list[str]:
    assert all(at.tzinfo is UTC for at in runs)
    return [f"{at:%Y-%m-%d %H:%M}" for at in runs]


async def test_a_paused_schedule_makes_nothing_until_it_is_resumed(nothing_left: None) -> None:
    clock = FakeClock()
    async with (
        FakeRegion(clock=clock) as region,
        CivoClient(region.token, region="LON1", api_url=region.url, clock=clock) as civo,
    ):
        schedule = await civo.schedules.create(
            "nightly",
            cron_expression="0 2 * * *",
            max_snapshots=3,
            instances=region.instance_ids[:1],
        )
        paused = await civo.schedules.pause(schedule)
        assert paused.paused
        assert civo.schedules.next_runs(paused, 3) == ()
        region.run_schedule(schedule.id)
        assert region.state.snapshots == {}
        resumed = await civo.schedules.resume(schedule.id, timeout=5)
        assert not resumed.paused
        assert len(civo.schedules.next_runs(resumed, 3)) == 3
        region.run_schedule(schedule.id)
        assert len(region.state.snapshots) == 1


async def test_pausing_twice_is_no_error(nothing_left: None) -> None:
    clock = FakeClock()
    async with (
        FakeRegion(clock=clock) as region,
        CivoClient(region.token, region="LON1", api_url=region.url, clock=clock) as civo,
    ):
        schedule = await civo.schedules.create(
            "nightly", cron_expression="0 2 * * *", max_snapshots=3, instances=region.instance_ids
        )
        for _ in range(2):
            assert (await civo.schedules.pause(schedule)).paused


def test_the_next_runs_of_a_schedule(schedules: Schedules) -> None:
    assert texts(schedules.next_runs(NIGHTLY)) == ["2026-11-27 02:30"]
    assert texts(schedules.next_runs(NIGHTLY, 2)) == ["2026-11-27 02:30", "2026-11-28 02:30"]
    before = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
    assert texts(schedules.next_runs(NIGHTLY, after=before)) == ["2026-11-26 02:30"]
    assert schedules.next_runs(evolve(NIGHTLY, paused=True), 3) == ()


@pytest.mark.parametrize(
    ("expression", "first"),
    [
        ("@daily", "2026-11-27 00:00"),
        ("@Hourly", "2026-11-26 13:00"),
        ("0 3 L * ?", "2026-11-30 03:00"),
        ("0 2 * * mon", "2026-11-30 02:00"),
        ("*/20 * * * *", "2026-11-26 12:20"),
        ("CRON_TZ=Europe/Berlin 30 2 * * *", "2026-11-27 01:30"),
        ("TZ=Asia/Kolkata @daily", "2026-11-26 18:30"),
        ("0 0 29 2 *", "2028-02-29 00:00"),
    ],
)
def test_the_next_runs_of_an_expression(schedules: Schedules, expression: str, first: str) -> None:
    assert texts(schedules.next_runs(expression)) == [first]


def test_a_zone_keeps_its_hour_over_a_clock_change(schedules: Schedules) -> None:
    runs = schedules.next_runs(
        "CRON_TZ=Europe/Berlin 0 4 * * *", 3, after=datetime(2026, 10, 24, tzinfo=UTC)
    )
    assert texts(runs) == ["2026-10-24 02:00", "2026-10-25 03:00", "2026-10-26 03:00"]


@pytest.mark.parametrize(
    "expression",
    [
        "@every 1h",
        "0 2 * *",
        "61 2 * * *",
        "nightly",
        "CRON_TZ=Moon/Base 0 2 * * *",
        "",
        "0 0 31 2 *",
    ],
)
def test_what_cannot_be_read_here_is_said(schedules: Schedules, expression: str) -> None:
    with pytest.raises(InvalidArgumentError):
        schedules.next_runs(expression)


@pytest.mark.parametrize("wrong", [{"n": 0}, {"after": "now"}, {"after": datetime(2026, 1, 1)}])
def test_wrong_arguments_are_refused(schedules: Schedules, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidArgumentError):
        schedules.next_runs(NIGHTLY, **wrong)  # type: ignore[arg-type]


def test_without_the_extra_it_is_said_what_is_missing(
    schedules: Schedules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cronsim", None)
    with pytest.raises(ConfigurationError, match=r"civo-snapshots\[cron\]"):
        schedules.next_runs(NIGHTLY)
