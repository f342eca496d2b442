"""What a client needs only when something is asked of it, and in annotations."""

from typing import TYPE_CHECKING

from ._lazy import lazy

if TYPE_CHECKING:
    from ._core import Core as Core
    from ._watch.progress import PollPolicy as PollPolicy
    from .events import ExtraSnapshot as ExtraSnapshot
    from .events import Listener as Listener
    from .outcomes import Unresolved as Unresolved
    from .states import State as State
    from .states import extended as extended
else:
    __getattr__, __dir__ = lazy(
        globals(),
        {
            "._core": "Core",
            "._watch.progress": "PollPolicy",
            ".events": "ExtraSnapshot Listener",
            ".outcomes": "Unresolved",
            ".states": "State extended",
        },
    )
