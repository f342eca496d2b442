"""A fake CivoStack region over real HTTP, its faults, and a clock that needs no time.

Start with `FakeRegion`. It is written from the API's description and from nothing of the SDK: what
the description leaves open is a switch (``FakeRegion(read_lag=5, unique_names="region")``, see
`Switches`), or drawn from a seed (``FakeRegion.any(7)``).
"""

from civo_snapshots.testing._codes import ERROR_CODES
from civo_snapshots.testing._fake_clock import FakeClock
from civo_snapshots.testing._fault import Fault
from civo_snapshots.testing._payloads import SECRET_CANARIES
from civo_snapshots.testing._region import FakeRegion
from civo_snapshots.testing._server import ReceivedRequest
from civo_snapshots.testing._switches import Switches
from civo_snapshots.testing._wire import RefusedField

__all__ = [
    "ERROR_CODES",
    "SECRET_CANARIES",
    "FakeClock",
    "FakeRegion",
    "Fault",
    "ReceivedRequest",
    "RefusedField",
    "Switches",
]
