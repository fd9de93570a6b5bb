"""Answers that are not complete, since some nodes did not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from os_faults.errors import AnsibleExecutionException, CloudManagementError, OSFException

if TYPE_CHECKING:
    from os_faults.cloud import Cloud


def failure_of(cloud: Cloud) -> OSFException | None:
    """Return why not all nodes of a cloud are known by what they answer; None when they are."""
    try:
        cloud.get_nodes()
    except (AnsibleExecutionException, CloudManagementError) as error:
        return error
    return None


def as_data(failure: OSFException | None) -> dict[str, Any]:
    """Return what a document says of a failure; nothing when there was none.

    Example:
        >>> as_data(None)
        {}
    """
    if failure is None:
        return {}
    return {"error": {"type": type(failure).__name__, "message": str(failure), "exit_code": failure.exit_code}}
