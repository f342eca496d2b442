"""What draws the waits between attempts, loaded when an attempt has failed."""

from typing import TYPE_CHECKING

from ._lazy import lazy

if TYPE_CHECKING:
    from backoff import expo as expo
    from backoff import full_jitter as full_jitter
else:
    __getattr__, __dir__ = lazy(globals(), {"backoff": "expo full_jitter"})
