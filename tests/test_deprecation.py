"""What is going says so, at the line of whoever uses it."""

import linecache
from collections.abc import Callable

import pytest

from civo_snapshots._version import deprecated


def going() -> None:
    deprecated("going()", new="coming()", gone_in="2.0")


def inner() -> None:
    deprecated("outer(old=)", new="outer(new=)", gone_in="2.0", depth=2)


def outer() -> None:
    inner()


def test_the_warning_says_what_to_write_instead_and_until_when() -> None:
    with pytest.warns(
        DeprecationWarning, match=r"^going\(\) is .* gone in .* 2\.0: use coming\(\)$"
    ):
        going()


@pytest.mark.parametrize("use", [going, outer])
def test_the_warning_is_about_the_users_own_line(use: Callable[[], None]) -> None:
    with pytest.warns(DeprecationWarning, match="is deprecated") as told:
        use()
    line = linecache.getline(told[0].filename, told[0].lineno).strip()
    assert (told[0].filename, line) == (__file__, "use()")
