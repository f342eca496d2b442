"""Whether a refusal is believed that would end more than one wait or create."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from civo_snapshots import (
    AuthenticationError,
    CivoError,
    ConnectionLostError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    ServiceDisabledError,
)
from civo_snapshots._session import Confirmation, Doubt, doubt_of
from civo_snapshots.errors import ApiError
from civo_snapshots.testing import FakeClock

pytestmark = pytest.mark.usefixtures("nothing_left")

REVOKED = AuthenticationError("401", status=401)
FORBIDDEN = PermissionDeniedError("403", status=403)
NO_REGION = NotFoundError("404", status=404, code="database_region_not_found")


def denied(code: str) -> ApiError:
    return PermissionDeniedError("403", status=403, code=code)


@pytest.mark.parametrize(
    ("error", "doubt"),
    [
        (REVOKED, Doubt.ACCOUNT),
        (denied("database_account_access_denied"), Doubt.ACCOUNT),
        (FORBIDDEN, Doubt.RIGHTS),
        (NO_REGION, Doubt.REGION),
        (denied("authentication_access_denied"), None),
        (NotFoundError("404", status=404, code="database_snapshot_not_found"), None),
        (NotFoundError("404", status=404), None),
        (QuotaExceededError("full", status=403), None),
        (ServiceDisabledError("no", status=403), None),
        (ConnectionLostError("lost"), None),
    ],
    ids=lambda value: getattr(value, "code", "") or type(value).__name__,
)
def test_what_an_error_casts_doubt_on(error: CivoError, doubt: Doubt | None) -> None:
    """R153, R154, R155: a 403 about one object says nothing of others."""
    assert doubt_of(error) is doubt


class Reads:
    """A read that ends as it is told, first to last; the last stays, and None is a success."""

    def __init__(self, clock: FakeClock, *ends: CivoError | None) -> None:
        self.times: list[float] = []
        self._clock, self._ends = clock, list(ends)

    async def __call__(self) -> None:
        self.times.append(self._clock.monotonic())
        end = self._ends.pop(0) if len(self._ends) > 1 else self._ends[0]
        if end is not None:
            raise end


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def confirmation(clock: FakeClock) -> Confirmation:
    return Confirmation(clock, clock.sleep)


Ask = Callable[..., Awaitable[bool]]


@pytest.fixture
def ask(confirmation: Confirmation) -> Ask:
    def ask(error: CivoError, reads: Reads, region: str = "LON1") -> Awaitable[bool]:
        return confirmation.confirms(error, reads, region=region, since=confirmation.mark())

    return ask


@pytest.mark.parametrize("error", [REVOKED, FORBIDDEN, NO_REGION], ids=["401", "403", "region"])
async def test_two_reads_confirm_within_six_seconds(
    ask: Ask, clock: FakeClock, error: CivoError
) -> None:
    """R153: one and five seconds after the refusal."""
    reads = Reads(clock, error)
    assert await ask(error, reads)
    assert reads.times == [1, 5]


@pytest.mark.parametrize("other", [None, ConnectionLostError("lost"), NO_REGION])
@pytest.mark.parametrize("refusals", [0, 1])
async def test_a_read_that_ends_otherwise_confirms_nothing(
    ask: Ask, clock: FakeClock, other: CivoError | None, refusals: int
) -> None:
    """R153: neither a success nor an outage."""
    reads = Reads(clock, *[REVOKED] * refusals, other)
    assert not await ask(REVOKED, reads)
    assert reads.times == [1, 5][: refusals + 1]


async def test_what_is_no_refusal_of_access_is_not_confirmed(ask: Ask, clock: FakeClock) -> None:
    reads = Reads(clock, FORBIDDEN)
    assert not await ask(ConnectionLostError("lost"), reads)
    assert not await ask(denied("authentication_access_denied"), reads)
    assert reads.times == []


@pytest.mark.parametrize("at", [0, 0.5, 3])
async def test_any_success_since_clears_the_doubt(
    ask: Ask, confirmation: Confirmation, clock: FakeClock, at: float
) -> None:
    """R153."""
    mark = confirmation.mark()
    reads = Reads(clock, REVOKED)
    if not at:
        confirmation.succeeded("LON1")
    answer = asyncio.ensure_future(confirmation.confirms(REVOKED, reads, region="LON1", since=mark))
    await clock.sleep(at)
    confirmation.succeeded("NYC1")
    assert not await answer
    assert reads.times == [one for one in [1.0] if one < at]


async def test_a_success_from_before_clears_nothing(
    ask: Ask, confirmation: Confirmation, clock: FakeClock
) -> None:
    """R153: at the same moment of the clock, too."""
    confirmation.succeeded("LON1")
    assert await ask(REVOKED, Reads(clock, REVOKED))


@pytest.mark.parametrize("error", [FORBIDDEN, NO_REGION], ids=["403", "region"])
async def test_another_regions_success_says_nothing_of_this_one(
    ask: Ask, confirmation: Confirmation, clock: FakeClock, error: CivoError
) -> None:
    """R190, R153."""
    for region, expected in (("lon1", False), ("NYC1", True)):
        answer = asyncio.ensure_future(ask(error, Reads(clock, error)))
        await clock.sleep(0.5)
        confirmation.succeeded(region)
        assert await answer is expected


async def test_a_hundred_refusals_share_one_confirmation(ask: Ask, clock: FakeClock) -> None:
    """R153."""
    reads = Reads(clock, REVOKED)
    assert all(await asyncio.gather(*(ask(REVOKED, reads) for _ in range(100))))
    assert reads.times == [1, 5]
    assert await ask(REVOKED, reads)  # known already
    assert reads.times == [1, 5]


async def test_what_was_proven_is_asked_again_after_a_success_or_a_minute(
    ask: Ask, confirmation: Confirmation, clock: FakeClock
) -> None:
    """R153, R198: the token may have been replaced."""
    assert await ask(REVOKED, Reads(clock, REVOKED))
    confirmation.succeeded("LON1")
    assert not await ask(REVOKED, Reads(clock, None))
    assert await ask(REVOKED, Reads(clock, REVOKED))
    await clock.sleep(61)
    assert not await ask(REVOKED, Reads(clock, None))


async def test_who_is_cancelled_takes_nobodys_confirmation_away(ask: Ask, clock: FakeClock) -> None:
    """R153, L120."""
    reads = Reads(clock, REVOKED)
    first, second = (asyncio.ensure_future(ask(REVOKED, reads)) for _ in range(2))
    await clock.sleep(2)
    first.cancel()
    assert await second
    assert first.cancelled()
    assert reads.times == [1, 3, 7]
