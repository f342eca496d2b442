from collections.abc import Mapping

from airflow.triggers.base import BaseTrigger

class TaskDeferred(BaseException):
    trigger: BaseTrigger
    method_name: str
    kwargs: Mapping[str, str] | None
