"""Every case of the failure catalogue is named by a test that covers it."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

# Letter, first and last number: transport, HTTP status, body, semantics, polling, fan-out,
# loop and process, configuration and input, security.
CATALOGUE = (
    ("T", 1, 24),
    ("H", 25, 49),
    ("B", 50, 68),
    ("S", 69, 85),
    ("P", 86, 104),
    ("F", 105, 114),
    ("L", 115, 126),
    ("C", 127, 140),
    ("X", 141, 150),
)
FOUND = range(151, 205)  # in trials from outside
CASES = [
    f"{letter}{number}" for letter, first, last in CATALOGUE for number in range(first, last + 1)
] + [f"R{number}" for number in FOUND]
_CITED = re.compile(r"\b([THBSPFLCXR])(\d{1,3})\b(?:(?:\s*-\s*|\s+to\s+)(?:\1)?(\d{1,3})\b)?")


def cited() -> set[str]:
    """The cases named anywhere in the tests; "T7 to T9" and "T7-T9" name all between."""
    found: set[str] = set()
    for path in TESTS.rglob("*.py"):
        if path == Path(__file__):
            continue
        for letter, first, last in _CITED.findall(path.read_text()):
            numbers = range(int(first), int(last or first) + 1)
            found.update(f"{letter}{number}" for number in numbers)
    return found


@pytest.mark.parametrize("case", CASES)
def test_the_case_is_covered(case: str) -> None:
    assert case in cited()
