"""A body as JSON, decoded strictly; pure."""

import json
from typing import cast

from ..errors import UnexpectedResponseError, printable

JSON = None | bool | int | float | str | list["JSON"] | dict[str, "JSON"]

PREVIEW = 200
"""Bytes of a body that an error shows."""


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def parse_json(body: bytes, status: int = 200) -> JSON:
    """Decode strictly: UTF-8 with or without BOM, one document, no NaN; the last duplicate wins."""
    problem, data = "", cast("JSON", None)
    try:
        data = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        problem = "it is not UTF-8"
    except RecursionError:
        problem = "it is nested too deeply"
    except ValueError:  # also JSONDecodeError, a constant such as NaN, an integer without end
        problem = "it is empty" if not body.strip() else "it is not JSON"
    if problem:
        raise UnexpectedResponseError(
            f"the body cannot be read: {problem}{preview(body)}", status=status, path="$"
        )
    return data


def preview(body: bytes) -> str:
    text = body[:PREVIEW].decode("utf-8", "replace").strip()
    return f": {printable(text)}" if text else ""
