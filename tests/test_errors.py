"""The errors: their tree, what they hold, what they show, and that they travel."""

import copy
import inspect
import pickle
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import civo_snapshots
from civo_snapshots import errors
from civo_snapshots.errors import (
    ApiError,
    CivoError,
    ConfigurationError,
    ConnectionLostError,
    DeadlineExceededError,
    InvalidArgumentError,
    PollFailedError,
    ServerError,
    SnapshotFailedError,
    SnapshotUnsettledError,
    WaitError,
    WaitTimeoutError,
    printable,
)
from civo_snapshots.models import Call, Instance, Restore, Snapshot

CALL = Call(
    "POST",
    "/v2/instances/i-1/snapshots",
    "LON1",
    attempts=3,
    elapsed=4.25,
    history=("503", "reset"),
    may_have_acted=1,
)
CLASSES: list[type[Any]] = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, BaseException)
]

# A value for every piece of context that any error takes.
CONTEXT: dict[str, Any] = {
    "call": CALL,
    "may_have_acted": True,
    "status": 503,
    "code": "region_unavailable",
    "reason": "why",
    "details": "more",
    "request_id": "req-1",
    "retry_after": 30.0,
    "path": "$.id",
    "instance_id": "i-1",
    "name": "n",
    "started_at": datetime(2026, 1, 1, tzinfo=UTC),
    "ended_at": datetime(2026, 1, 2, tzinfo=UTC),
    "snapshot": Snapshot("s-1"),
    "restore": Restore("r-1"),
    "instance": Instance("i-1"),
    "elapsed": 12.5,
    "polls": 7,
}


def full(cls: type[CivoError]) -> CivoError:
    """An error of the class with every piece of context it takes."""
    taken = [name for name in inspect.signature(cls).parameters if name != "message"]
    error = cls("what happened", **{name: CONTEXT[name] for name in taken})
    if isinstance(error, SnapshotFailedError):
        error.failed_volumes = ("v-1",)
    if isinstance(error, SnapshotUnsettledError):
        error.unfinished_volumes = ("v-2",)
    if isinstance(error, PollFailedError):
        error.error = ServerError("inner", status=500, call=CALL)
    return error


def state_of(error: CivoError) -> dict[str, object]:
    """Its attributes, those of an error within it included."""
    inner = {name: part for name, part in vars(error).items() if isinstance(part, CivoError)}
    return {**vars(error), **{name: (type(part), vars(part)) for name, part in inner.items()}}


# The tree


def test_every_error_is_a_civo_error() -> None:
    """R2: one `except` catches whatever this package raises."""
    assert len(CLASSES) > 20
    assert all(issubclass(cls, CivoError) for cls in CLASSES)


def test_every_error_can_be_imported_from_the_package() -> None:
    missing = [cls.__name__ for cls in CLASSES if not hasattr(civo_snapshots, cls.__name__)]
    assert missing == []


def drawn_parents(drawing: str) -> Iterator[tuple[str, str | None]]:
    """Each class of the drawn tree with the one it hangs from."""
    open_branches: list[tuple[int, str]] = []
    for line in drawing.splitlines():
        # Bases outside the tree stand in brackets, remarks after them or after two spaces.
        names = re.findall(r"\b[A-Z]\w*Error\b", re.sub(r"\(also \w+\)", "", line))
        if not names:
            continue
        depth = line.index(names[0])
        while open_branches and open_branches[-1][0] >= depth:
            open_branches.pop()
        parent = open_branches[-1][1] if open_branches else None
        yield from ((name, parent) for name in names)
        open_branches.append((depth, names[-1]))


def test_the_drawn_tree_is_the_real_one() -> None:
    assert errors.__doc__ is not None
    drawing = errors.__doc__.split("::", 1)[1]
    drawn = list(drawn_parents(drawing))
    real = {
        cls.__name__: None if cls is CivoError else cls.__bases__[0].__name__ for cls in CLASSES
    }
    assert len(drawn) == len(real)
    assert dict(drawn) == real


def test_the_drawn_built_in_bases_are_the_real_ones() -> None:
    assert errors.__doc__ is not None
    drawn = {
        (name, base)
        for line in errors.__doc__.splitlines()
        for base in re.findall(r"\(also (\w+)\)", line)
        for name in re.findall(r"\b[A-Z]\w*Error\b", line.split("(also")[0])
    }
    real = {
        (cls.__name__, base.__name__)
        for cls in CLASSES
        for base in cls.__bases__
        if base.__module__ == "builtins" and base is not Exception
    }
    assert drawn == real
    assert real == {
        ("ConfigurationError", "ValueError"),
        ("InvalidArgumentError", "ValueError"),
        ("DeadlineExceededError", "TimeoutError"),
        ("WaitTimeoutError", "TimeoutError"),
    }


@pytest.mark.parametrize("cls", [DeadlineExceededError, WaitTimeoutError])
def test_our_deadlines_are_timeout_errors(cls: type[CivoError]) -> None:
    """L122."""
    with pytest.raises(TimeoutError, match="too late"):
        raise cls("too late")


@pytest.mark.parametrize("cls", [ConfigurationError, InvalidArgumentError])
def test_what_was_never_sent_is_a_value_error(cls: type[CivoError]) -> None:
    with pytest.raises(ValueError, match="no such thing"):
        raise cls("no such thing")


def test_broken_connections_are_not_taken_for_timeouts_of_a_caller() -> None:
    """L122: `TimeoutError` is an `OSError`, and the system's own connection errors are too."""
    others = [cls for cls in CLASSES if cls not in (DeadlineExceededError, WaitTimeoutError)]
    assert not any(issubclass(cls, OSError) for cls in others)


# What they hold


@pytest.mark.parametrize("cls", CLASSES)
def test_an_error_needs_only_a_message(cls: type[CivoError]) -> None:
    error = cls("what happened")
    assert error.message == str(error) == "what happened"
    assert error.call is None
    assert error.args == ("what happened",)


@pytest.mark.parametrize("cls", CLASSES)
def test_an_error_keeps_its_context(cls: type[CivoError]) -> None:
    error = full(cls)
    for name in inspect.signature(cls).parameters:
        if name != "message":
            assert getattr(error, name) == CONTEXT[name]


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("make", [CivoError, None], ids=["bare", "full"])
def test_errors_pickle_and_copy_with_their_attributes(cls: type[CivoError], make: object) -> None:
    """L125: an error must be able to cross a process pool."""
    error = full(cls) if make is None else cls("what happened")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        copied = pickle.loads(pickle.dumps(error, protocol))
        assert type(copied) is cls
        assert copied.args == error.args
        assert state_of(copied) == state_of(error)
        assert str(copied) == str(error)
    for copied in (copy.copy(error), copy.deepcopy(error)):
        assert type(copied) is cls
        assert copied is not error
        assert state_of(copied) == state_of(error)


def test_a_group_of_errors_pickles_too() -> None:
    group = ExceptionGroup("2 of 3", [full(ServerError), full(SnapshotFailedError)])
    copied = pickle.loads(pickle.dumps(group))
    assert [state_of(error) for error in copied.exceptions] == [
        state_of(error) for error in group.exceptions if isinstance(error, CivoError)
    ]


def test_what_is_added_to_one_error_stays_with_it() -> None:
    """The extras have their defaults on the class, which every error of it shares."""
    full(SnapshotFailedError)
    full(SnapshotUnsettledError)
    full(PollFailedError)
    assert SnapshotFailedError("fresh").failed_volumes == ()
    assert SnapshotUnsettledError("fresh").unfinished_volumes == ()
    assert PollFailedError("fresh").error is None


# What they show


def test_an_error_tells_what_was_asked_and_what_failed_before() -> None:
    assert str(ApiError("the API answered 503", call=CALL)) == (
        "the API answered 503 "
        "[POST /v2/instances/i-1/snapshots in LON1, 3 attempts in 4.2 s; before: 503 | reset]"
    )


def test_a_single_attempt_without_region_is_told_briefly() -> None:
    call = Call("GET", "/v2/quota")
    assert (
        str(ConnectionLostError("reset", call=call)) == "reset [GET /v2/quota, 1 attempt in 0.0 s]"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain café 💾", "plain café 💾"),
        ("one\r\ntwo", r"one\r\ntwo"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("nul\x00 bell\x07 del\x7f csi\x9b", r"nul\x00 bell\x07 del\x7f csi\x9b"),
        ("right\u202eleft", r"right\u202eleft"),
        ("line\u2028separator", r"line\u2028separator"),
        ("lone \ud800", r"lone \ud800"),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("cls", [CivoError, ApiError, WaitError, WaitTimeoutError])
def test_control_characters_are_escaped(cls: type[CivoError], text: str, shown: str) -> None:
    """B68, X144: server text cannot forge a log line or colour a terminal."""
    assert str(cls(text)) == shown
    assert str(cls("m", call=Call("GET", text, history=(text,)))).count(shown) == 2


@settings(deadline=None)
@given(st.text(), st.text(), st.lists(st.text(), max_size=3))
def test_any_error_is_one_printable_line(message: str, path: str, history: list[str]) -> None:
    """B68."""
    error = CivoError(message, call=Call("GET", path, history=tuple(history)))
    assert str(error).isprintable()
    str(error).encode()
    assert error.message == message


def test_long_texts_are_cut() -> None:
    """B67."""
    assert str(CivoError("x" * 2_000)) == "x" * 2_000
    assert str(CivoError("x" * 1_000_000)) == "x" * 2_000 + "..."
    assert printable("abcdef\n", 3) == "abc..."
    assert printable("ab\ncd", 3) == "ab\\n..."


def test_a_long_history_does_not_drown_the_message() -> None:
    call = Call("GET", "/v2/x", history=("h" * 500,) * 50)
    assert len(str(CivoError("m", call=call))) < 2_200


def test_what_every_attempt_ended_with_is_told_once() -> None:
    same = Call("GET", "/v2/quota", attempts=3, history=("no connection", "no conn..."))
    assert "before" not in str(ServerError("no connection to it", status=503, call=same))
    other = Call("GET", "/v2/quota", attempts=3, history=("no connection", "lost"))
    assert "before: no connection | lost" in str(
        ServerError("no connection", status=503, call=other)
    )
    assert "before" in str(same)
