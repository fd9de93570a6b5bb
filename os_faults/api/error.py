"""The errors that versions before 1.0 had here."""

from os_faults.errors import (
    CloudManagementError,
    ContainerError,
    NodeCollectionError,
    OSFDriverNotFound,
    OSFDriverWithSuchNameExists,
    OSFError,
    OSFException,
    PowerManagementError,
    ServiceError,
)

__all__ = [
    "CloudManagementError",
    "ContainerError",
    "NodeCollectionError",
    "OSFDriverNotFound",
    "OSFDriverWithSuchNameExists",
    "OSFError",
    "OSFException",
    "PowerManagementError",
    "ServiceError",
]
