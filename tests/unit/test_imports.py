"""What is slow is imported when it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("slow", ["jsonschema", "ansible_runner", "ansible"])
def test_not_imported_at_once(slow: str) -> None:
    modules = "config, contract, events, inventory, registry, resources, drivers.cloud.devstack, drivers.power.ipmi"
    imports = "; ".join(f"import os_faults.{name.strip()}" for name in modules.split(","))
    code = f"{imports}; import sys; sys.exit({slow!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
