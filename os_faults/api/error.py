"""Errors at their import path of versions before 1.0."""

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
