"""What several ends of one command amount to."""

import pytest

from civo_snapshots.cli._exits import Exit, worst


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ([], Exit.OK),
        ([Exit.OK, Exit.OK], Exit.OK),
        ([Exit.TIMED_OUT, Exit.OK], Exit.TIMED_OUT),
        ([Exit.UNKNOWN, Exit.TIMED_OUT], Exit.UNKNOWN),
        ([Exit.UNKNOWN, Exit.FAILED, Exit.TIMED_OUT], Exit.FAILED),
        ([Exit.USAGE, Exit.OK], Exit.USAGE),
        ([Exit.FAILED, Exit.USAGE], Exit.FAILED),
    ],
)
def test_a_failure_is_told_before_what_is_unknown_and_that_before_the_time(
    codes: list[Exit], told: Exit
) -> None:
    assert worst(codes) is worst(reversed(codes)) is told
