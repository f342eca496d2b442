"""Which snapshot belongs to which create: claims and turns."""

import gc

from civo_snapshots._create.claims import Ledger


def test_the_ledger_does_not_grow_for_ever() -> None:
    ledger = Ledger()
    for number in range(10_000):
        ledger.claim(str(number))
    assert ledger.is_free("0")
    assert not ledger.is_free("9999")


def test_creates_of_one_name_on_one_instance_share_a_turn_and_no_others_do() -> None:
    ledger = Ledger()
    turn = ledger.turn("i", "n")
    assert ledger.turn("i", "n") is turn
    assert ledger.turn("i", "m") is not turn
    assert ledger.turn("j", "n") is not turn


def test_a_turn_is_forgotten_with_the_last_create_that_knows_it() -> None:
    ledger = Ledger()
    turn = ledger.turn("i", "n")
    turn.claimed["s"] = None
    del turn
    gc.collect()
    assert not ledger.turn("i", "n").claimed
