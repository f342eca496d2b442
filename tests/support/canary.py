"""Searches an error for the token, everywhere that an error tracker would look."""

import copy
import pickle
import traceback
from collections.abc import Awaitable
from typing import TypeVar

import pytest

from civo_snapshots import CivoError

TOKEN = "canary-token-7f3a91c05b"

E = TypeVar("E", bound=CivoError)


async def failure(call: Awaitable[object], kind: type[E]) -> E:
    """The error of this kind that the call ends with, after a search for the token in it."""
    with pytest.raises(kind) as caught:
        await call
    error = caught.value
    assert_clean(error)
    return error


def assert_clean(error: BaseException) -> None:
    """No trace of the token, no object of the HTTP library, and a whole copy after pickling."""
    seen: set[int] = set()
    chain: list[BaseException] = [error]
    while chain:
        link = chain.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        assert not type(link).__module__.startswith("aiohttp"), type(link)
        assert TOKEN not in f"{link} {link!r} {vars(link)!r}"
        chain += [part for part in (link.__cause__, link.__context__) if part]
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert TOKEN not in "".join(told.format())
    dumped = pickle.dumps(error)
    assert TOKEN.encode() not in dumped
    for copied in (pickle.loads(dumped), copy.copy(error)):
        assert type(copied) is type(error)
        assert str(copied) == str(error)
        assert repr(vars(copied)) == repr(vars(error))
