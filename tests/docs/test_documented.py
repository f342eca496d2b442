"""Every public name, parameter and field is explained in a docstring."""

import inspect
import sys
from collections.abc import Iterator
from functools import cached_property
from typing import get_args, get_type_hints

import pytest
from support.face import (
    CLASSES,
    MADE_BY_USERS,
    PUBLIC,
    entries,
    fields_of,
    methods_of,
    parameters_of,
    told_of,
)

INNER = {"FleetStream.open", "Listing.skipping", "RetryPolicy.most_sends", "RetryPolicy.allows"}
"""Methods that only the SDK itself calls; the pages leave them out."""


def unexplained(name: str) -> Iterator[str]:
    """What a class or function does not explain of itself."""
    found, short = PUBLIC[name], name.rpartition(".")[2]
    if not (inspect.isclass(found) or inspect.isfunction(found)):
        return
    doc = inspect.getdoc(found) or ""
    if not doc:
        yield short
    if inspect.isfunction(found):
        yield from (f"{short}({one}=)" for one in set(parameters_of(found)) - entries(doc, "Args"))
        return
    yield from (f"{short}.{one}" for one in sorted(fields_of(found) - told_of(found)))
    if short in MADE_BY_USERS:
        missing = set(parameters_of(found.__init__)) - entries(found.__doc__ or "", "Args")
        yield from (f"{short}({one}=)" for one in sorted(missing))
    for method, member in methods_of(found):
        called = f"{short}.{method}"
        if called in INNER:
            continue
        text = inspect.getdoc(member) or ""
        if not text:
            yield called
        if not isinstance(member, property | cached_property):
            told = entries(text, "Args")
            yield from (f"{called}({p}=)" for p in parameters_of(member) if p not in told)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_part_of_a_public_name_is_explained(name: str) -> None:
    assert not list(unexplained(name))


def test_inner_methods_are_still_there() -> None:
    by_name = {name.rpartition(".")[2]: found for name, found in CLASSES.items()}
    for called in INNER:
        owner, _, method = called.partition(".")
        assert hasattr(by_name[owner], method)


def classes_in(hint: object) -> Iterator[type]:
    """The package's own classes that a type is made of."""
    if inspect.isclass(hint) and hint.__module__.startswith("civo_snapshots"):
        yield hint
    for part in get_args(hint):
        yield from classes_in(part)


@pytest.mark.parametrize("name", [one for one in CLASSES if ".testing." not in one])
def test_help_shows_no_argument_that_users_cannot_give(name: str) -> None:
    init = CLASSES[name].__init__
    if not inspect.isfunction(init):
        return
    shown = set(inspect.signature(init).parameters) - {"self"}
    hints = get_type_hints(init, vars(sys.modules[CLASSES[name].__module__])) if shown else {}
    taken = {one for parameter in shown for one in classes_in(hints.get(parameter))}
    assert not [one for one in taken if one not in PUBLIC.values()]
