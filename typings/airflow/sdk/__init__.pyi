# What civo_snapshots.integrations.airflow and its example use of it.
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from logging import Logger
from typing import Any, NoReturn, ParamSpec, Protocol, Self

from airflow.triggers.base import BaseTrigger

_P = ParamSpec("_P")

class _TaskInstance(Protocol):
    try_number: int | None

class Context:
    def __getitem__(self, key: str, /) -> _TaskInstance: ...

class Connection:
    password: str | None
    @property
    def extra_dejson(self) -> dict[str, Any]: ...

class BaseHook:
    def __init__(self) -> None: ...
    @classmethod
    def get_connection(cls, conn_id: str) -> Connection: ...
    @classmethod
    async def aget_connection(cls, conn_id: str) -> Connection: ...

class BaseOperator:
    template_fields: Sequence[str]
    def __init__(self, **kwargs: Any) -> None: ...
    @property
    def log(self) -> Logger: ...
    @classmethod
    def partial(cls, **kwargs: object) -> _Partial: ...
    def defer(
        self,
        *,
        trigger: BaseTrigger,
        method_name: str,
        kwargs: Mapping[str, object] | None = None,
        timeout: timedelta | float | None = None,
    ) -> NoReturn: ...
    def __rshift__(self, other: object) -> object: ...

class _Partial:
    def expand(self, **kwargs: object) -> BaseOperator: ...

def task(function: Callable[_P, object]) -> Callable[_P, object]: ...

class PokeReturnValue:
    is_done: bool
    def __init__(self, is_done: bool, xcom_value: object = None) -> None: ...

class BaseSensorOperator(BaseOperator): ...

class DAG:
    def __init__(
        self,
        dag_id: str,
        *,
        schedule: str | None = None,
        start_date: datetime | None = None,
        catchup: bool = False,
        default_args: Mapping[str, object] | None = None,
        tags: Sequence[str] = (),
    ) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...
