"""Incomplete answers: some nodes did not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from os_faults.errors import AnsibleExecutionException, CloudManagementError, OSFException

if TYPE_CHECKING:
    from os_faults.cloud import Cloud


def failure_of(cloud: Cloud) -> OSFException | None:
    """Return the error of an incomplete discovery; None when it is complete."""
    try:
        cloud.get_nodes()
    except (AnsibleExecutionException, CloudManagementError) as error:
        return error
    return None


def as_data(failure: OSFException | None) -> dict[str, Any]:
    """Return the keys of a document for a failure; none when there was no failure.

    Example:
        >>> as_data(None)
        {}
    """
    if failure is None:
        return {}
    return {"error": {"type": type(failure).__name__, "message": str(failure), "exit_code": failure.exit_code}}
