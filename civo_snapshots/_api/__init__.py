"""The calls of the API: path, body, record, and the check whose answer it is.

It must not know waits, exactly-once creates or runs: it is what those are given.
"""

from .identity import Missing, bears_hostname, missing_of, outlasts_lag, sources_of
from .listing import Listing, is_listing_refusal
from .region_api import RegionApi
from .rivals import SentRestores

__all__ = [
    "Listing",
    "Missing",
    "RegionApi",
    "SentRestores",
    "bears_hostname",
    "is_listing_refusal",
    "missing_of",
    "outlasts_lag",
    "sources_of",
]
