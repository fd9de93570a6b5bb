"""What is slow is imported when it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

import os_faults


@pytest.mark.parametrize("slow", ["jsonschema", "ansible_runner", "ansible"])
def test_not_imported_at_once(slow: str) -> None:
    modules = (
        "config",
        "actions.contract",
        "ansible.events",
        "ansible.inventory",
        "registry",
        "resources",
        "drivers.cloud.devstack",
        "drivers.power.ipmi",
    )
    imports = "; ".join(f"import os_faults.{name}" for name in modules)
    code = f"{imports}; import sys; sys.exit({slow!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_is_found_where_the_table_says() -> None:
    assert sorted(os_faults.__all__) == sorted(os_faults._HOMES)
    assert all(getattr(os_faults, name).__name__ == name for name in os_faults.__all__)
    assert set(dir(os_faults)) == set(os_faults.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'executor_of_all'"):
        os_faults.executor_of_all  # noqa: B018
