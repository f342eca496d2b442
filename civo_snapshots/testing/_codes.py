"""The error codes that the API's description names, each with a status that it may well have."""

from collections.abc import Mapping
from types import MappingProxyType

ERROR_CODES: Mapping[str, int] = MappingProxyType(
    {
        # gone
        "database_snapshot_not_found": 404,
        "database_instance_find": 404,
        "database_snapshot_create_instance_not_found": 404,
        "database_region_not_found": 404,
        # not now
        "database_quota_lock_failed": 409,
        "database_snapshot_create_already_in_process": 409,
        "region_unavailable": 503,
        "instance_state_must_be_active_or_shutoff": 409,
        "openstack_connection_failed": 500,  # one of *_connection_failed
        # never
        "quota_limit_reached": 403,
        "database_instance_snapshot_too_big": 400,
        "parameter_name_invalid": 400,
        "parameter_id_missing": 400,
        "database_snapshot_cannot_delete_in_use": 409,
        "database_snapshot_cannot_replace": 409,
        "disabled_service": 403,
        "authentication_invalid_key": 401,
        "authentication_failed": 401,
        "authentication_access_denied": 403,
        "database_account_access_denied": 403,
        # the server's own trouble
        "database_snapshot_create": 500,
        "database_snapshots_list": 500,
        "openstack_snapshot_destroy": 500,
        "openstack_instance_restore": 500,
    }
)
"""Codes and usual statuses. The code tells what happened; statuses are known to vary."""


def usual_status(code: str) -> int:
    """The status of a described code."""
    if code not in ERROR_CODES:
        raise ValueError(f"{code!r} is not among ERROR_CODES; say its status")
    return ERROR_CODES[code]
