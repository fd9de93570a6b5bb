"""Import paths of versions before 1.0; the same names are in `os_faults` itself."""

from importlib import import_module
from typing import Any

_MODULES = ("error", "human", "node_collection")


def __getattr__(name: str) -> Any:
    """Load a module at its first use: ``os_faults.api.error.OSFError`` works after ``import os_faults``."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
