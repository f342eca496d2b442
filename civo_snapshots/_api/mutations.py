"""Updates and creates of one request: what a lost answer to them means."""

from collections.abc import Callable
from enum import Enum
from typing import TypeVar

from .._http import Kind, Reader
from .._session import CallOptions, Within
from ..errors import CivoError, ConflictError, NotFoundError, OutcomeUnknownError, printable
from .context import Fields, RegionContext

T = TypeVar("T")


class Comparison(Enum):
    """What a record shows after an update whose answer was lost."""

    DONE = "done"
    UNTOUCHED = "untouched"
    """It is as it was before: the update may be sent again."""
    CHANGED = "changed"
    """Somebody else has changed it, which a repetition would undo."""
    UNPROVEN = "unproven"
    """It is not as wanted, and what it was before is not known."""


def compare(before: object | None, current: object, wanted: Fields) -> Comparison:
    """Compare what is wanted with what is, and with what was; pure.

    A record without a name was not read from the API, so that it does not tell what was.
    """
    now = {name: getattr(current, name) for name in wanted}
    if now == wanted:
        return Comparison.DONE
    if not getattr(before, "name", ""):
        return Comparison.UNPROVEN
    as_was = all(now[name] in (getattr(before, name), wanted[name]) for name in wanted)
    return Comparison.UNTOUCHED if as_was else Comparison.CHANGED


async def update(
    context: RegionContext,
    target: type[T],
    *segments: str,
    fields: Fields,
    is_ours: Callable[[str], Callable[[T], bool]],
    options: CallOptions,
    before: T | None,
) -> T:
    """PUT; where the answer was lost, compare before it is sent again.

    Somebody else's newer change must not be undone by a blind repetition: it is sent again only
    if what was passed in as `before` shows still.
    """
    session = context.session
    call = session.begin(Kind.COMPARED, options)
    wanted = {name: value for name, value in fields.items() if value is not None}

    async def current_record() -> T | None:
        # Asked for by a name that the PUT has changed, it is there under the new one.
        for asked in dict.fromkeys((segments[-1], str(wanted.get("name", segments[-1])))):
            try:
                return await context.record(
                    target,
                    "GET",
                    *(*segments[:-1], asked),
                    is_ours=is_ours(asked),
                    options=call.subcall(retried=True),
                )
            except NotFoundError:
                continue
            except CivoError:
                break
        return None

    while True:
        try:
            return await context.record(
                target, "PUT", *segments, body=fields, is_ours=is_ours(segments[-1]), options=call
            )
        except CivoError as error:
            failure = error
        if not failure.may_have_acted or call.policy.attempts == 1:
            raise failure
        current = await current_record()
        shown = None if current is None else compare(before, current, wanted)
        if current is not None and shown is Comparison.DONE:
            return current
        if shown is not None and shown is not Comparison.UNTOUCHED:
            raise call.summed_up(_not_repeated(failure, before, current, wanted, shown))
        pause = None if shown is None else call.resend_pause(failure, Kind.COMPARED)
        if pause is None:
            raise call.summed_up(failure)
        await session.pause(pause)


def _not_repeated(
    failure: CivoError,
    before: object | None,
    current: object,
    wanted: Fields,
    shown: Comparison,
) -> CivoError:
    """Why an update whose answer was lost is not sent again."""
    differ = [name for name in wanted if getattr(current, name) != wanted[name]]

    def told(record: Fields) -> str:
        return ", ".join(f"{name} {printable(repr(record[name]), 80)}" for name in differ)

    found = told({name: getattr(current, name) for name in wanted})
    asked = told(wanted)
    if shown is Comparison.UNPROVEN:
        failure.message += (
            f"; asked for {asked}, it shows {found}: pass the record as it was read, so that it "
            "can be told from somebody else's change and sent again"
        )
        return failure
    was = told({name: getattr(before, name) for name in wanted})
    error = ConflictError(
        f"the answer to the update was lost, and the record was changed meanwhile: it shows "
        f"{found}, which is neither {was} as before nor {asked} as asked for; not sent again "
        f"({failure.message})",
        call=failure.call,
    )
    error.may_have_acted = True
    return error


async def post_once(
    context: RegionContext,
    read: Reader[T],
    *segments: str,
    body: Fields,
    options: Within,
    what: str,
    instance_id: str = "",
    name: object = None,
    is_ours: Callable[[T], bool] | None = None,
) -> T:
    """POST; `OutcomeUnknownError` if it may have acted without an answer: it is never repeated."""
    clock = context.session.clock
    started = clock.now()
    failure: CivoError
    try:
        request = context.request("POST", segments, body)
        return await context.session.call(request, read, is_ours=is_ours, within=options)
    except CivoError as error:
        failure = error
    if not failure.may_have_acted:
        raise failure
    raise OutcomeUnknownError(
        f"{what} was sent and may have acted: {failure.message}; look before doing it again",
        instance_id=instance_id,
        name=str(name or ""),
        started_at=started,
        ended_at=clock.now(),
        call=failure.call,
    )
