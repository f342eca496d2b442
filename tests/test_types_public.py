"""What type checkers of users see: every public name is annotated, and nothing is `Any`."""

import inspect
import types
import typing
from collections.abc import Callable, Iterator
from enum import Enum
from functools import cached_property
from importlib.resources import files
from typing import assert_type

import pytest

import civo_snapshots
from civo_snapshots import (
    CivoClient,
    ExtraSnapshot,
    FleetRun,
    Instance,
    Outcome,
    Page,
    Region,
    Restore,
    Snapshot,
    Transition,
    UnresolvedCreate,
    errors,
    resources,
)
from civo_snapshots.resources.instances import Instances
from civo_snapshots.resources.quota import Quotas
from civo_snapshots.resources.region_snapshots import RegionSnapshots
from civo_snapshots.resources.regions import Regions
from civo_snapshots.resources.schedules import Schedules
from civo_snapshots.resources.snapshots import Snapshots

# What a user reaches without importing it by name.
REACHED = (Instances, Quotas, RegionSnapshots, Regions, Schedules, Snapshots)
PUBLIC: dict[str, object] = {
    **{name: getattr(civo_snapshots, name) for name in civo_snapshots.__all__},
    **{cls.__name__: cls for cls in REACHED},
}
CLASSES = {name: found for name, found in PUBLIC.items() if isinstance(found, type)}


def holds_any(hint: object) -> bool:
    """Whether `Any` stands anywhere in a type."""
    if hint is typing.Any:
        return True
    parts = typing.get_args(hint)
    return any(holds_any(part) for part in _flat(parts))


def _flat(parts: tuple[object, ...]) -> Iterator[object]:
    for part in parts:
        if isinstance(part, list):
            yield from _flat(tuple(part))
        else:
            yield part


def functions_of(cls: type) -> Iterator[tuple[str, Callable[..., object]]]:
    """The public methods and properties that the package itself gives a class."""
    for base in cls.__mro__:
        if not base.__module__.startswith("civo_snapshots"):
            continue
        for name, member in vars(base).items():
            if name.startswith("_") and name not in ("__init__", "__aiter__", "__iter__"):
                continue
            found = member.fget if isinstance(member, property) else member
            found = member.func if isinstance(member, cached_property) else found
            found = getattr(found, "__func__", found)
            if isinstance(found, types.FunctionType) and found.__module__ != "typing":
                yield f"{base.__name__}.{name}", found


@pytest.mark.parametrize("name", CLASSES)
def test_no_public_method_takes_or_returns_any(name: str) -> None:
    for called, function in functions_of(CLASSES[name]):
        hints = typing.get_type_hints(function)
        for parameter in inspect.signature(function).parameters.values():
            if parameter.name == "self" or "cls" in parameter.name:
                continue
            assert parameter.name in hints, f"{called}: {parameter.name} has no annotation"
        if not called.endswith("__init__"):
            assert "return" in hints, f"{called} does not say what it returns"
        for what, hint in hints.items():
            assert not holds_any(hint), f"{called}: {what} is {hint}"


@pytest.mark.parametrize("name", CLASSES)
def test_no_public_attribute_is_any(name: str) -> None:
    cls = CLASSES[name]
    if issubclass(cls, Enum):
        return
    for what, hint in typing.get_type_hints(cls).items():
        assert not holds_any(hint), f"{name}.{what} is {hint}"


def test_public_aliases_hold_no_any() -> None:
    others = {name: found for name, found in PUBLIC.items() if name not in CLASSES}
    assert set(others) == {"Event", "__version__", "run_name"}
    assert not holds_any(civo_snapshots.Event)


def test_every_public_name_is_told_what_it_is_for() -> None:
    for name, cls in CLASSES.items():
        assert inspect.getdoc(cls), name
        for called, function in functions_of(cls):
            if not (called.rpartition(".")[2].startswith("_") or called.startswith("Verdict.")):
                assert inspect.getdoc(function), called


def test_the_public_names_are_sorted_and_complete() -> None:
    assert list(civo_snapshots.__all__) == sorted(set(civo_snapshots.__all__))
    for name in dir(civo_snapshots):
        if not name.startswith("_") and not inspect.ismodule(getattr(civo_snapshots, name)):
            assert name in civo_snapshots.__all__, name
    assert set(civo_snapshots.__all__) <= set(dir(civo_snapshots))


def test_a_name_that_there_is_not_is_an_attribute_error() -> None:
    name = "Snapshoot"
    for module in (civo_snapshots, resources):
        with pytest.raises(AttributeError, match=f"{module.__name__}' has no attribute '{name}'"):
            getattr(module, name)
    with pytest.raises(ImportError, match=name):
        exec(f"from civo_snapshots import {name}")


def test_public_modules_can_be_reached_through_the_package() -> None:
    for name in ("errors", "events", "models", "outcomes", "resources", "states"):
        assert inspect.ismodule(getattr(civo_snapshots, name))
        assert name in dir(civo_snapshots)
    assert civo_snapshots.resources.quota.Quotas is Quotas


def test_every_error_is_public() -> None:
    every = {
        name
        for name, found in vars(errors).items()
        if isinstance(found, type) and issubclass(found, civo_snapshots.CivoError)
    }
    assert every <= set(civo_snapshots.__all__)


def test_the_package_says_that_it_is_typed() -> None:
    assert files(civo_snapshots).joinpath("py.typed").is_file()


async def use(civo: CivoClient, snapshot: Snapshot) -> None:
    """Never run: type checkers verify what users get, and that wrong use is an error."""
    assert_type(await civo.snapshots.create("i-1", name="a", timeout=5, retries=False), Snapshot)
    assert_type([found async for found in civo.instances.list()], list[Instance])
    assert_type(await civo.snapshots.list("i-1").collect(), list[Snapshot])
    assert_type([page async for page in civo.regions.list().pages()], list[Page[Region]])
    assert_type(await civo.snapshots.restore(snapshot, hostname="copy"), Restore)
    assert_type(await civo.snapshots.wait_until_complete(snapshot), Snapshot)
    assert_type(await civo.snapshots.create_many(["i-1"]), FleetRun)
    assert_type([out async for out in civo.snapshots.create_each(["i-1"])], list[Outcome])
    started = await civo.snapshots.start_many(["i-1"], name="nightly")
    assert_type(await civo.snapshots.wait_many(started, timeout=5), FleetRun)
    assert_type(await civo.snapshots.wait_many([snapshot]), FleetRun)
    assert_type(await civo.snapshots.find_run("nightly", expected=1), FleetRun)
    assert_type(FleetRun.from_json(started.to_json()), FleetRun)
    assert_type(Snapshot.from_dict(snapshot.as_dict()), Snapshot)
    async with civo.snapshots.create_each(["i-1"]) as stream:
        assert_type([out async for out in stream], list[Outcome])
    assert_type(civo.unresolved.creates, tuple[UnresolvedCreate, ...])
    assert_type(civo.unresolved.runs, tuple[FleetRun, ...])
    assert_type(civo.unresolved.extra_snapshots, tuple[ExtraSnapshot, ...])
    assert_type(civo.extra_snapshots, tuple[ExtraSnapshot, ...])
    assert_type([change async for change in civo.snapshots.watch(snapshot)], list[Transition])
    await civo.snapshots.create("i-1", retires=False)  # type: ignore[call-arg]
    await civo.snapshots.create(5)  # type: ignore[arg-type]
    await civo.snapshots.start_many(["i-1"])  # type: ignore[call-arg]
    await civo.snapshots.create("i-1", quiesce=lambda _: None)  # type: ignore[arg-type,return-value]
    await civo.snapshots.create_many(["i-1"], on_existing="skip")  # type: ignore[arg-type]
    snapshot.name = "changed"  # type: ignore[misc]
