"""Which snapshot belongs to which create: claims and turns."""

import gc

from civo_snapshots._create.claims import Claims


def test_the_ledger_does_not_grow_for_ever() -> None:
    claims = Claims()
    for number in range(10_000):
        claims.claim(str(number))
    assert claims.is_free("0")
    assert not claims.is_free("9999")


def test_creates_of_one_name_on_one_instance_share_a_turn_and_no_others_do() -> None:
    claims = Claims()
    turn = claims.name_lock("i", "n")
    assert claims.name_lock("i", "n") is turn
    assert claims.name_lock("i", "m") is not turn
    assert claims.name_lock("j", "n") is not turn


def test_a_turn_is_forgotten_with_the_last_create_that_knows_it() -> None:
    claims = Claims()
    turn = claims.name_lock("i", "n")
    turn.claimed["s"] = None
    del turn
    gc.collect()
    assert not claims.name_lock("i", "n").claimed
