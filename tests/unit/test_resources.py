"""The bundled files are found, and YAML is read without its traps."""

from __future__ import annotations

from pathlib import Path

import pytest

from os_faults import resources
from os_faults.errors import ConfigError


def test_playbooks_and_modules_are_there() -> None:
    assert resources.playbook("service_state.yml").is_file()
    assert list(resources.modules_dir().glob("osf_*.py"))
    assert resources.module_utils_dir().is_dir()


def test_playbook_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"no playbook 'service_stat\.yml' is bundled: did you mean 'service_state"):
        resources.playbook("service_stat.yml")


def test_catalogue() -> None:
    assert resources.catalogue("devstack")["keystone"]["driver"] == "systemd"
    with pytest.raises(ConfigError, match="no catalogue 'devstak': did you mean 'devstack'"):
        resources.catalogue("devstak")


def test_a_mapping_as_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_text("{a: 1}: 2\n")
    with pytest.raises(ConfigError, match=r"x\.yml, line 1: not valid YAML"):
        resources.read_yaml(path)


def test_merge_keys_work(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_text("base: &base {a: 1}\nmore: {<<: *base, b: 2}\n")
    assert resources.read_yaml(path)["more"] == {"a": 1, "b": 2}
