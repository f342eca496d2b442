"""One command's surroundings: its options, its client, what it prints, and whether it may act."""

import logging
import signal
import sys
from collections.abc import Sequence

from attrs import define, field

from .._client import CivoClient
from .._clock import Clock, SystemClock
from ..events import Event, ExtraSnapshot, RetryScheduled
from ._exits import Exit
from ._output import Output
from ._records import PLAN
from ._table import Item


class EndedError(Exception):
    """The command ends here, with this code and perhaps a message."""

    def __init__(self, code: Exit, message: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@define
class Session:
    """What an action is given beside its own options.

    Attributes:
        max_rate: requests a second of the client, at most.
        told: whether the action itself told of creates that an interruption left behind.
        begun: what an interruption leaves behind, to be told with it.
    """

    out: Output
    region: str | None = None
    profile: str | None = None
    api_url: str | None = None
    debug: bool = False
    yes: bool = False
    dry_run: bool = False
    clock: Clock = field(factory=SystemClock)
    max_rate: float | None = None
    told: bool = False
    begun: str = ""
    _has_troubles: bool = False
    _civo: CivoClient | None = None

    @property
    def civo(self) -> CivoClient:
        """The client, made when it is first asked for."""
        if self._civo is None:
            self._civo = CivoClient(
                region=self.region,
                profile=self.profile,
                api_url=self.api_url,
                max_rate=self.max_rate,
                clock=self.clock,
                app="civo-snapshots-cli",
                on_event=self._tell,
            )
        return self._civo

    def use(self, civo: CivoClient) -> None:
        """Take this client."""
        self._civo = civo

    async def close(self) -> None:
        """Close the client; only then it is known what became of the last creates."""
        if self._civo is not None:
            await self._civo.close()

    def tell_what_is_left(self) -> None:
        """Name every snapshot that an interruption left, or that is there too many."""
        if self._civo is None or self.told:
            return
        for left in self._civo.unresolved.creates:
            what = f"made snapshot {left.snapshot.id}" if left.snapshot else "may have made one"
            self.out.fail(f"The interrupted create of {left.name} on {left.instance_id} {what}.")
        for extra in self._civo.unresolved.extra_snapshots:
            self.out.fail(f"There is {extra}.")

    def _tell(self, event: Event) -> None:
        """All of it to who debugs; else what somebody should look at and is not told at the end."""
        if self.debug:
            self.out.note(f"{type(event).__name__}: {event}")
        elif event.level >= logging.WARNING and not isinstance(event, ExtraSnapshot):
            self.out.note(f"Note: {event}")
        elif isinstance(event, RetryScheduled) and event.attempt > 1 and not self._has_troubles:
            self._has_troubles = True  # who waits for an answer is told once why it takes so long
            self.out.note(f"Note: {event}")

    @property
    def may_ask(self) -> bool:
        """Whether somebody sits there to be asked."""
        return all(stream is not None and stream.isatty() for stream in (sys.stdin, self.out.err))

    def agree(self, items: Sequence[Item], question: str, *, name: str = "name") -> None:
        """Show what will be done, and go on only if that is wanted; else the command ends.

        With --dry-run the plan is the command's data.
        """
        if self.dry_run:
            self.out.items(PLAN, items, name=name)
            self.out.say(f"{question}: nothing was changed (--dry-run).")
            raise EndedError(Exit.OK)
        if self.yes:
            return
        self.out.preview(PLAN, items)
        if not self.may_ask:
            raise EndedError(
                Exit.USAGE,
                f"{question}: not confirmed, and there is no terminal to ask on; add --yes to do "
                "it, or --dry-run to see what it would do",
            )
        if not _said_yes(f"{question}? [y/N] "):
            raise EndedError(Exit.USAGE, "Nothing was changed.")


def _said_yes(question: str) -> bool:
    # While a line is read nothing else runs: Ctrl-C has to end it here.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sys.stderr.write(question)
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        raise EndedError(Exit.INTERRUPTED, "Interrupted; nothing was changed.") from None
    finally:
        signal.signal(signal.SIGINT, before)
