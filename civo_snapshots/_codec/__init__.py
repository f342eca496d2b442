"""Bytes to records and back, also while the bytes still come.

It must not know which call they belong to, nor send one.
"""

from .page_reader import page
from .records import known, one
from .region_listing import (
    ListedStatus,
    ListingConsumer,
    ListingItem,
    RegionListingReader,
    as_snapshot,
    compact,
    items_of,
    name_of,
    with_status,
)

__all__ = [
    "ListedStatus",
    "ListingConsumer",
    "ListingItem",
    "RegionListingReader",
    "as_snapshot",
    "compact",
    "items_of",
    "known",
    "name_of",
    "one",
    "page",
    "with_status",
]
