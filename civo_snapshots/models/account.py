"""What an account has besides snapshots: instances, regions and a quota."""

from collections.abc import Mapping

from attrs import field, frozen

from .extra import Record
from .fields import Identifier, Moment, Number


@frozen(repr=False)
class Volume(Record):
    """A volume attached to an instance.

    Attributes:
        id: the server's id.
    """

    id: Identifier


@frozen(repr=False)
class Subnet(Record):
    """A subnet that an instance is in; a server that sends its id alone leaves the name out.

    Attributes:
        id: the server's id.
        name: of the subnet.
    """

    id: str = ""
    name: str = ""


@frozen(repr=False)
class Instance(Record):
    """A compute instance (API page "Instances"), without its secrets.

    Attributes:
        id: the server's id.
        hostname: its name in most places.
        status: as the server spelled it, such as "ACTIVE" or "SHUTOFF".
        region: the region's code.
        network_id: of the network that it is in.
        private_ip: its address in that network.
        public_ip: its address outside; empty if it has none.
        size: of the instance, such as "g4s.small".
        tags: what it was tagged with.
        attached_volumes: which a snapshot takes in as well.
        created_at: None where the server sent none.
        firewall_id: of its firewall.
        notes: any text.
        cpu_cores: how many; None where the server sent none.
        ram_mb: mebibytes of memory; None where the server sent none.
        disk_gb: gibibytes of its own disk; None where the server sent none.
        gpu_count: how many; None where the server sent none.
        source_type: what kind of thing it was made from, such as "diskimage".
        source_id: of what it was made from.
        snapshot_id: the snapshot that it was restored from, where the server tells it.
        volume_type: of its own disk.
        subnets: those that it is in.
        reserved_ip: an address that stays its own; empty if it has none.
        reverse_dns: the name that its public address leads to.
    """

    id: Identifier
    hostname: str = ""
    status: str = ""
    region: str = ""
    network_id: str = ""
    private_ip: str = ""
    public_ip: str = ""
    size: str = ""
    tags: tuple[str, ...] = ()
    attached_volumes: tuple[Volume, ...] = ()
    created_at: Moment | None = None
    firewall_id: str = ""
    notes: str = ""
    cpu_cores: Number | None = None
    ram_mb: Number | None = None
    disk_gb: Number | None = None
    gpu_count: Number | None = None
    source_type: str = ""
    source_id: str = ""
    snapshot_id: str = ""
    volume_type: str = ""
    subnets: tuple[Subnet, ...] = ()
    reserved_ip: str = ""
    reverse_dns: str = ""


@frozen(repr=False)
class Region(Record):
    """A region (API page "Regions").

    Attributes:
        code: such as "LON1"; servers spell it in either case.
        name: for people.
        type: as the server spelled it.
        country: its code.
        country_name: its name.
        out_of_capacity: whether nothing more can be made there.
        default: whether it is the account's default.
        features: what the region offers, by name.
    """

    code: Identifier
    name: str = ""
    type: str = ""
    country: str = ""
    country_name: str = ""
    out_of_capacity: bool = False
    default: bool = False
    features: dict[str, bool] = field(factory=dict[str, bool], hash=False)


Pair = tuple[int | None, int | None]
"""A limit and its usage, each None where the server sent no whole number."""


@frozen(repr=False)
class Quota(Record):
    """What the account may use and uses; None where the server sent none. A limit of -1 is none.

    Attributes:
        disk_snapshot_count_limit: how many snapshots there may be.
        disk_snapshot_count_usage: how many there are; a deleted one counts until that is completed.
        pairs: every ``<name>_limit`` with its ``<name>_usage``, by name ("instance_count",
            "disk_gb"), as far as the server sent them.
    """

    disk_snapshot_count_limit: Number | None = None
    disk_snapshot_count_usage: Number | None = None
    pairs: Mapping[str, Pair] = field(factory=dict[str, Pair], hash=False)

    @property
    def is_unlimited(self) -> bool:
        """Whether the server says that there is no limit on snapshots."""
        return self.disk_snapshot_count_limit is not None and self.disk_snapshot_count_limit < 0

    @property
    def free_snapshots(self) -> int | None:
        """How many snapshots may still be made; None if that is unknown, or without a limit."""
        if self.disk_snapshot_count_limit is None or self.disk_snapshot_count_usage is None:
            return None
        if self.is_unlimited:
            return None
        return max(0, self.disk_snapshot_count_limit - self.disk_snapshot_count_usage)
