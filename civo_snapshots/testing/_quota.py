"""The quota: pairs of limits and usages, of which one matters to snapshots."""

from collections.abc import Mapping

from civo_snapshots.testing._payloads import number
from civo_snapshots.testing._state import RegionState
from civo_snapshots.testing._wire import JsonObject

# What nothing in the fake uses up: its limit.
_UNUSED: Mapping[str, int] = {
    "cpu_core": 16_384,
    "ram_mb": 4_194_304,
    "disk_gb": 1_000_000,
    "gpu_count": -1,
    "public_ip_address": 1_024,
    "subnet_count": 100,
    "network_count": 100,
    "security_group": 100,
    "security_group_rule": 1_000,
    "port_count": 10_000,
    "loadbalancer_count": 160,
    "objectstore_gb": -1,
    "database_count": 40,
    "database_snapshot_count": 200,
    "database_cpu_core": 1_200,
    "database_ram_mb": 393_216,
    "database_disk_gb": 12_000,
}


def quota_payload(state: RegionState, at: float) -> JsonObject:
    """The limits, and what is used of them."""
    volumes = sum(len(instance.volume_ids) for instance in state.instances.values())
    pairs: dict[str, tuple[int, int]] = {
        "instance_count": (1_000_000, len(state.instances)),
        "disk_volume_count": (1_000_000, volumes),
        "disk_snapshot_count": (state.switches.snapshot_limit, state.count_snapshots(at)),
        **{name: (limit, 0) for name, limit in _UNUSED.items()},
    }
    quota: JsonObject = {}
    for name, (limit, usage) in pairs.items():
        quota[f"{name}_limit"] = number(state, limit, may_be_float=True)
        quota[f"{name}_usage"] = number(state, usage, may_be_float=True)
    return quota


def is_reached(state: RegionState, at: float) -> bool:
    """Whether the region may hold no further snapshot."""
    limit = state.switches.snapshot_limit
    return limit >= 0 and state.count_snapshots(at) >= limit
