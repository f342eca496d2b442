"""The version, read by the build; what of a public class is not, and how what is public goes."""

import inspect
import warnings
from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., None])

__version__ = "0.1.0"


def deprecated(old: str, *, new: str, gone_in: str, depth: int = 1) -> None:
    """Warn whoever uses what is going, at the line where they do.

    Args:
        old: what is used, as it is written: "create(snapshot_name=)".
        new: what to write instead.
        gone_in: the version that has it no more.
        depth: how many calls of this package lie between this one and its user.
    """
    warnings.warn(
        f"{old} is deprecated and will be gone in civo_snapshots {gone_in}: use {new}",
        DeprecationWarning,
        stacklevel=depth + 2,
    )


def made_by_a_client(init: F) -> F:
    """Let an `__init__` show no arguments: users are given such objects, and make none."""
    [own, *_] = inspect.signature(init).parameters.values()
    init.__signature__ = inspect.Signature([own])  # type: ignore[attr-defined]
    init.__doc__ = "Not for users: a client makes these."
    return init
