"""When the region's listing is asked for, and when waits do without it."""

import pytest

from civo_snapshots._watch.listing_use import AVOIDED_FOR, ListingUse


def test_a_failing_listing_is_asked_for_after_growing_but_short_pauses() -> None:
    """R163: and never avoided for that alone."""
    use = ListingUse()
    assert [use.failed() for _ in range(6)] == [1, 2, 4, 8, 8, 8]
    assert use.pays(now=0, watched=2)
    use.succeeded(100, is_useful=True)
    assert use.failed() == 1


def test_a_listing_is_suspect_only_after_three_failures_in_a_row() -> None:
    """R163."""
    use = ListingUse()
    for _ in range(10):
        use.failed()
        use.failed()
        assert not use.is_suspect
        use.succeeded(100, is_useful=True)
    for _ in range(3):
        use.failed()
    assert use.is_suspect


@pytest.mark.parametrize(
    ("gets", "proven"),
    [("w", False), ("ww", True), ("wfw", False), ("wfww", True), ("ffff", False)],
)
def test_two_gets_in_a_row_that_work_prove_that_the_listing_alone_is_broken(
    gets: str, proven: bool
) -> None:
    """R163: an outage may have ended between one failure and its GET."""
    use = ListingUse()
    answers = [use.is_proven_broken(get_works=get == "w") for get in gets]
    assert answers == [False] * (len(gets) - 1) + [proven]


def test_one_refusal_is_not_believed_and_a_second_in_a_row_is() -> None:
    """R163, R153."""
    use = ListingUse()
    assert not use.is_refused()
    use.succeeded(100, is_useful=True)
    assert not use.is_refused()
    assert use.is_refused()


def test_an_avoided_listing_is_tried_again_after_minutes_or_for_twice_as_many_waits() -> None:
    use = ListingUse()
    use.avoid(100.0)
    assert not use.pays(100.0 + AVOIDED_FOR - 1, watched=10_000)
    assert use.pays(100.0 + AVOIDED_FOR, watched=2)
    use.avoid(1_000.0, too_large_for=10)
    assert not use.pays(1_001.0, watched=20)
    assert use.pays(1_001.0, watched=21)


def test_that_it_is_avoided_is_news_once_until_it_is_useful_again() -> None:
    """R163, R186."""
    use = ListingUse()
    assert use.avoid(0.0)
    assert not use.avoid(300.0)
    use.succeeded(100, is_useful=False)
    assert not use.avoid(600.0)
    use.succeeded(100, is_useful=True)
    assert use.avoid(900.0)


def test_a_listing_that_is_mostly_of_others_does_not_pay() -> None:
    use = ListingUse()
    use.succeeded(4_001, is_useful=True)
    assert not use.pays(0.0, watched=10)
    assert use.pays(0.0, watched=11)
