"""One measured number with the bar it must keep."""

from collections.abc import Callable, Coroutine, Iterable
from typing import TypeAlias

from attrs import frozen


@frozen
class Figure:
    """What was measured; `value` must not exceed `at_most`, nor stay below `at_least`."""

    what: str
    value: float
    at_most: float = float("inf")
    at_least: float = float("-inf")
    unit: str = ""

    @property
    def ok(self) -> bool:
        """Whether the bar is kept; NaN never is."""
        return self.at_least <= self.value <= self.at_most

    def __str__(self) -> str:
        bar = f" (at most {self.at_most:g})" if self.at_most != float("inf") else ""
        if self.at_least != float("-inf"):
            bar = f" (at least {self.at_least:g})"
        value = f"{self.value:,.3f}".rstrip("0").rstrip(".")
        verdict = "ok  " if self.ok else "MISS"
        return f"  {verdict} {self.what}: {value} {self.unit}".rstrip() + bar


Job: TypeAlias = Callable[[], Coroutine[None, None, list[Figure]]]


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def show(problems: Iterable[str], limit: int = 5) -> None:
    """Print the first few details of what went wrong."""
    for problem in list(problems)[:limit]:
        print(f"       {problem}")
