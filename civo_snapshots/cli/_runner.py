"""Runs one action: signals become a cancellation, errors a message, and its end an exit code."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from types import FrameType
from typing import Any

from ..errors import CivoError
from ._exits import Exit, worst
from ._output import Output
from ._session import EndedError, Session
from ._words import exit_of, explained

Action = Callable[..., Awaitable[Exit | None]]

_SHARED = ("region", "profile", "api_url", "debug", "yes", "dry_run")


def run(action: Action, values: Mapping[str, Any]) -> Exit:
    """Do what a command line asks for."""
    given = dict(values)
    # The SDK's log tells the same again; without a handler, Python would print its warnings.
    logging.getLogger("civo_snapshots").addHandler(logging.NullHandler())
    out = Output(
        given.pop("output", None) or "table",
        header=not given.pop("no_header", False),
        quiet=bool(given.pop("quiet", False)),
    )
    session = Session(out, **{name: given.pop(name) for name in _SHARED if name in given})
    return supervised(action, session, given)


def supervised(action: Action, session: Session, given: Mapping[str, Any]) -> Exit:
    """Run it to its end, or until a signal; the first one lets it tell what it has done."""
    caught: list[int] = []

    async def whole() -> Exit:
        restore = _on_signals(caught)
        try:
            return await action(session, **given) or Exit.OK
        finally:
            try:
                await session.close()
            finally:
                restore()
                session.tell_what_is_left()

    try:
        return asyncio.run(whole())
    except (asyncio.CancelledError, KeyboardInterrupt):
        is_term = bool(caught) and caught[0] == signal.SIGTERM
        left = f" {session.begun}" if session.begun and not session.told else ""
        session.out.fail(f"{'Terminated' if is_term else 'Interrupted'}.{left}")
        return Exit.TERMINATED if is_term else Exit.INTERRUPTED
    except (EndedError, CivoError, ExceptionGroup, ModuleNotFoundError) as error:
        return _told(session.out, error)


def _told(out: Output, error: Exception) -> Exit:
    """Say what went wrong; anything but ours is a defect and shows as one."""
    match error:
        case EndedError(code=code, message=message):
            if message:
                out.fail(message)
            return code
        case CivoError():
            out.fail(f"Error: {explained(error)}")
            return exit_of(error)
        case ExceptionGroup(exceptions=parts):
            return worst([_told(out, part) for part in parts])
        case ModuleNotFoundError(name=str(name)) if name.partition(".")[0] == "rich":
            out.fail("Error: this needs rich: python -m pip install 'civo-snapshots[cli]'")
            return Exit.USAGE
        case _:
            raise error


def _on_signals(caught: list[int]) -> Callable[[], None]:
    """Let SIGINT and SIGTERM cancel the running task, and a second one end the process at once."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def stop(number: int, _: FrameType | None) -> None:
        caught.append(number)
        if len(caught) > 1:
            sys.stderr.write("Ended at once; what was on its way is not known.\n")
            sys.stderr.flush()
            os._exit(128 + number)
        loop.call_soon_threadsafe(task.cancel)

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, stop) for number in numbers}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    return restore
