"""Records for the modules below them, which make one seldom or only name it in annotations."""

from typing import TYPE_CHECKING

from ._lazy import lazy

if TYPE_CHECKING:
    from .events import RetryScheduled as RetryScheduled
    from .models import Instance as Instance
    from .models import Restore as Restore
    from .models import Snapshot as Snapshot
else:
    __getattr__, __dir__ = lazy(
        globals(), {".events": "RetryScheduled", ".models": "Instance Restore Snapshot"}
    )
