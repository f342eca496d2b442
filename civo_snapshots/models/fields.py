"""The types of fields that mean more than a plain text or number."""

from datetime import datetime
from typing import Annotated

import msgspec

Identifier = Annotated[str, msgspec.Meta(min_length=1)]
"""A text that is not empty, or it could not be asked for again."""

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its zone."""

Number = Annotated[int, msgspec.Meta(title="number")]
"""A whole number, which may also come as a float or as text."""
