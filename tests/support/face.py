"""The public face of the package, and what its docstrings tell of it."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from enum import Enum
from functools import cached_property
from typing import Any

import attrs
import msgspec

import civo_snapshots
from civo_snapshots import models, resources, testing
from civo_snapshots.integrations import opentelemetry, prometheus

RESOURCES = ("Instances", "Quotas", "RegionSnapshots", "Regions", "Schedules", "Snapshots")
LISTENERS = (opentelemetry.OpenTelemetryListener, prometheus.PrometheusListener)

_PLACES = (
    (civo_snapshots, [name for name in civo_snapshots.__all__ if name != "__version__"]),
    (resources, RESOURCES),
    (models, ["Record", "Extra"]),
    (testing, testing.__all__),
)

PUBLIC: dict[str, Any] = {
    **{
        f"{where.__name__}.{name}": getattr(where, name)
        for where, names in _PLACES
        for name in names
    },
    **{f"{one.__module__}.{one.__name__}": one for one in LISTENERS},
}
"""Every public name, by the module that it is imported from."""

CLASSES = {name: one for name, one in PUBLIC.items() if inspect.isclass(one)}

MADE_BY_USERS = {
    *("CivoClient", "PrometheusListener", "OpenTelemetryListener", "FakeRegion", "FakeClock"),
}
"""Classes with an `__init__` of their own that users call; it is explained by the class."""


def own_bases(cls: type) -> Iterator[type]:
    """The class and those that it inherits from, as far as they are the package's own."""
    return (base for base in cls.__mro__ if base.__module__.startswith("civo_snapshots"))


def entries(doc: str, section: str) -> set[str]:
    """The names that a section of a docstring explains, each in an entry of its own."""
    lines = inspect.cleandoc(doc).splitlines()
    if f"{section}:" not in lines:
        return set()
    told: set[str] = set()
    for line in lines[lines.index(f"{section}:") + 1 :]:
        if line and not line.startswith(" "):
            break
        if line.startswith("    ") and line[4:5] != " ":
            name, colon, what = line.strip().partition(": ")
            if colon and what:
                told.add(name)
    return told


def told_of(cls: type) -> set[str]:
    """The fields of a class that are explained, in its docstring or below their definition."""
    told: set[str] = set()
    for base in own_bases(cls):
        told |= entries(vars(base).get("__doc__") or "", "Attributes")
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        except (OSError, TypeError):
            continue
        [node] = [one for one in tree.body if isinstance(one, ast.ClassDef)]
        for before, after in zip(node.body, node.body[1:], strict=False):
            is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if is_text and isinstance(before, ast.Assign | ast.AnnAssign):
                target = before.targets[0] if isinstance(before, ast.Assign) else before.target
                told.add(target.id if isinstance(target, ast.Name) else "")
    return told


def fields_of(cls: type) -> set[str]:
    """What an object of the class, or the class itself, has to be read."""
    if issubclass(cls, Enum):
        return {one.name for one in cls}
    if attrs.has(cls):
        return {one.name for one in attrs.fields(cls) if not one.name.startswith("_")}
    if issubclass(cls, msgspec.Struct):
        return set(cls.__struct_fields__)
    annotated = {name for base in own_bases(cls) for name in vars(base).get("__annotations__", {})}
    if issubclass(cls, dict):  # a typed dict
        return set(cls.__annotations__)
    made = vars(cls).get("__init__") if issubclass(cls, BaseException) else None
    set_there = set(inspect.signature(made).parameters) - {"self"} if made else set()
    return {name for name in annotated | set_there if not name.startswith("_")}


def methods_of(cls: type) -> Iterator[tuple[str, Any]]:
    """The public functions of a class, its own and inherited ones, by name; properties beside."""
    seen: set[str] = set()
    for base in own_bases(cls):
        for name, member in vars(base).items():
            if name.startswith("_") or name in seen:
                continue
            found = getattr(member, "__func__", member)
            if inspect.isfunction(found) or isinstance(member, property | cached_property):
                seen.add(name)
                yield name, member


def parameters_of(function: Any) -> list[str]:
    """What a caller passes."""
    function = getattr(function, "__func__", function)
    names = list(inspect.signature(function).parameters)
    return [name for name in names if name not in ("self", "cls")]
