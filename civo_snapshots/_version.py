"""The version, read by the build, and how what is public goes from one version to another."""

import warnings

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
