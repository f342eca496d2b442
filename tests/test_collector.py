"""The garbage collector is spared what lasts, and is left as it was found."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from civo_snapshots._collector import Lasting, collector_paused, promote


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    gc.enable()
    gc.unfreeze()


class Knot:
    """Garbage that only the collector can find."""

    def __init__(self) -> None:
        self.self = self


def is_young(one: object) -> bool:
    return any(found is one for found in gc.get_objects(generation=0))


def test_it_is_off_within_and_on_again_after() -> None:
    with collector_paused():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_is_on_again_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), collector_paused():
        raise ZeroDivisionError
    assert gc.isenabled()


def test_who_has_switched_it_off_keeps_it_off() -> None:
    gc.disable()
    with collector_paused():
        pass
    assert not gc.isenabled()


def test_what_is_promoted_is_not_searched_with_the_young_and_still_collected() -> None:
    gc.disable()
    knot = Knot()
    gone = weakref.ref(knot)
    assert is_young(knot)
    promote()
    assert not is_young(knot)
    del knot
    gc.collect(1)
    assert gone() is not None
    gc.collect()
    assert gone() is None


def test_what_somebody_froze_stays_frozen() -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()
    promote()
    assert gc.get_freeze_count() == frozen > 0


def test_what_lasts_is_promoted_a_few_dozen_at_a_time() -> None:
    gc.disable()
    lasting = Lasting()
    knot = Knot()
    lasting.made(23)
    assert is_young(knot)
    lasting.made()
    assert not is_young(knot)
