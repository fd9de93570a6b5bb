"""Our modules as Python modules, without Ansible."""

from __future__ import annotations

import importlib.util
from types import ModuleType

from os_faults import resources


def load(name: str) -> ModuleType:
    """Return the module of this name (``osf_…``), loaded from its file."""
    spec = importlib.util.spec_from_file_location(name, resources.modules_dir() / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded
