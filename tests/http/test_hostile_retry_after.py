"""Sixty forms of Retry-After: never earlier than asked, never above the cap, never a stall.

Time is the fake clock's; a ticker that sleeps 10 ms at a time counts how much of it passes.
"""

import asyncio
from datetime import UTC, datetime

import pytest

from civo_snapshots import CivoClient, RateLimitError, RetryPolicy, ServerError
from civo_snapshots._http.rate_limit_headers import retry_after
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

CAP = RetryPolicy().retry_after_cap
NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""When a fake clock starts."""

# What each form asks for, in seconds; None if it says nothing that counts.
FORMS: dict[str, float | None] = {
    # Seconds: digits, nothing else.
    "0": 0.0,
    "1": 1.0,
    "2": 2.0,
    "007": 7.0,
    "59": 59.0,
    "60": 60.0,
    " 5": 5.0,
    "5\t": 5.0,
    "61": 61.0,
    "3600": 3600.0,
    "86400": 86400.0,
    "999999999": 999_999_999.0,
    "1000000000": None,
    "9" * 5_000: None,
    "-0": None,
    "-1": None,
    "-5": None,
    "+5": None,
    "5.0": None,
    "0.5": None,
    "1e3": None,
    "1E1": None,
    "1_000": None,
    "1,000": None,
    "1 0": None,
    "0x10": None,
    "5s": None,
    "5;q=1": None,
    "5, 10": None,
    '"5"': None,
    "nan": None,
    "NaN": None,
    "inf": None,
    "-inf": None,
    "Infinity": None,
    "1e999": None,
    "": None,
    " ": None,
    "null": None,
    "None": None,
    "true": None,
    "soon": None,
    "\u0665": None,  # Arabic five
    "\u096b": None,  # Devanagari five
    "\uff15": None,  # full width five
    "\u00b2": None,  # a superscript
    "\x0b5": None,
    # Dates: IMF-fixdate, RFC 850 and asctime; past ones ask for nothing.
    "Thu, 01 Jan 2026 00:00:05 GMT": 5.0,
    "Thursday, 01-Jan-26 00:00:05 GMT": 5.0,
    "Thu Jan  1 00:00:05 2026": 5.0,
    "Thu, 01 Jan 2026 00:00:05 -0000": 5.0,
    "Thu, 01 Jan 2026 01:00:05 +0100": 5.0,
    "Thu, 01 Jan 2026 00:01:00 GMT": 60.0,
    "Thu, 01 Jan 2026 02:00:00 GMT": 7200.0,
    "Fri, 31 Dec 9999 23:59:59 GMT": (
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - NOW
    ).total_seconds(),
    "Wed, 31 Dec 2025 23:59:59 GMT": 0.0,
    "Thu, 01 Jan 1970 00:00:00 GMT": 0.0,
    "Mon, 01 Jan 0001 00:00:00 GMT": 0.0,
    "Thu, 01 Jan 100000 00:00:00 GMT": None,
    "Thu, 99 Jan 2026 00:00:05 GMT": None,
    "Thu, 01 Jan 2026 25:00:05 GMT": None,
    "Thu, 01 Jan 2026 00:00:05 +9999999": None,
    "2026-01-01T00:00:05Z": None,
    "Jan": None,
}


def test_there_are_at_least_sixty_forms() -> None:
    assert len(FORMS) >= 60


@pytest.mark.parametrize(("text", "asked"), FORMS.items(), ids=[form[:40] for form in FORMS])
def test_only_digits_and_http_dates_count(text: str, asked: float | None) -> None:
    """H37, H38."""
    assert retry_after({"retry-after": text}, NOW) == asked


class Ticker:
    """Counts ticks of 10 ms, and the longest time between two of them."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.ticks = 0
        self.longest = 0.0

    async def run(self) -> None:
        while True:
            before = self.clock.monotonic()
            await self.clock.sleep(0.01)
            self.ticks += 1
            self.longest = max(self.longest, self.clock.monotonic() - before)


# A header line cannot carry these: the server's own library refuses to send them, or strips them.
UNSENDABLE = ("\x0b5",)
SENT = {text: asked for text, asked in FORMS.items() if text not in UNSENDABLE}


@pytest.mark.parametrize(("text", "asked"), SENT.items(), ids=[form[:40] for form in SENT])
async def test_a_429_is_obeyed_bounded_and_stalls_nobody(
    text: str, asked: float | None, nothing_left: None
) -> None:
    """H35 to H40, P98."""
    clock = FakeClock(idle_turns=5)
    async with (
        FakeRegion(clock=clock, instances=1) as region,
        CivoClient(region.token, region=region.region, api_url=region.url, clock=clock) as civo,
    ):
        ticker = Ticker(clock)
        ticking = asyncio.create_task(ticker.run())
        region.fault("GET /v2/quota", Fault.rate_limited(text))
        if asked is not None and asked > CAP:
            with pytest.raises(RateLimitError) as caught:
                await civo.quota.get()
            assert caught.value.retry_after == asked
            assert region.total == 1
        else:
            await civo.quota.get()
            first, second = (request.at for request in region.requests)
            assert second - first >= (asked or 0.0)
            # At most a tenth more than asked; else the back-off after a 429, which is 1 s at most.
            assert second - first <= max(1.1 * (asked or 0.0), 1.0) + 0.02
        # Where the cap ends the call, the pause is the client's, and every call ends at once.
        if asked is not None and asked > CAP:
            with pytest.raises(RateLimitError):
                await civo.instances.get(region.instance_ids[0])
            assert region.total == 1
        else:
            await civo.instances.get(region.instance_ids[0])
        assert clock.monotonic() <= 1.1 * CAP + 0.02
        await clock.sleep(0.02)  # where all ended at once, time has hardly begun
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
        assert ticker.longest == pytest.approx(0.01)
        assert ticker.ticks == pytest.approx(clock.monotonic() / 0.01, abs=2)


async def test_an_update_does_not_outlast_its_time_for_a_retry_after(nothing_left: None) -> None:
    """H39, S76: a 503 that may have acted is compared, but not waited for beyond the call."""
    clock = FakeClock()
    async with (
        FakeRegion(clock=clock) as region,
        CivoClient(region.token, region=region.region, api_url=region.url, clock=clock) as civo,
    ):
        snapshot = await civo.snapshots.create(region.instance_ids[0])
        busy = Fault.status(503, None, {"Retry-After": "3600"})
        region.fault("PUT /v2/instances/{id}/snapshots/{sid}", busy, times=None)
        with pytest.raises(ServerError) as caught:
            await civo.snapshots.update(snapshot, description="kept")
        assert caught.value.retry_after == 3600
        assert clock.monotonic() < 90
