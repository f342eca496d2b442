"""Which snapshot belongs to which create: claims and name locks."""

import gc
from math import inf

from civo_snapshots._create.claims import Claims


def test_the_oldest_claims_are_forgotten() -> None:
    claims = Claims()
    for number in range(10_000):
        claims.claim(str(number))
    assert claims.is_free("0")
    assert not claims.is_free("9999")


def test_only_creates_of_one_name_on_one_instance_share_a_name_lock() -> None:
    claims = Claims()
    lock = claims.name_lock("i", "n")
    assert claims.name_lock("i", "n") is lock
    assert claims.name_lock("i", "m") is not lock
    assert claims.name_lock("j", "n") is not lock


def test_a_name_lock_is_forgotten_with_the_last_create_that_holds_it() -> None:
    claims = Claims()
    lock = claims.name_lock("i", "n")
    lock.claimed["s"] = None
    del lock
    gc.collect()
    assert not claims.name_lock("i", "n").claimed


def test_claims_tell_when_they_were_made() -> None:
    """R201: what nobody claimed was made long ago, as far as this client knows."""
    claims = Claims()
    claims.claim("s-1", 12.0)
    assert (claims.claimed_at("s-1"), claims.claimed_at("s-2")) == (12.0, -inf)
