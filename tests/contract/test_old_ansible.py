"""An Ansible that is too old is refused by the playbooks themselves: pip guards only who installs os_faults by it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from os_faults import resources

PLAYBOOKS = ("verify", "service_state", "node_reboot")


@pytest.fixture(scope="module")
def old_ansible(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which `python -m ansible` is the last release before the oldest supported one."""
    directory = tmp_path_factory.mktemp("ansible")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--target", str(directory)]
    subprocess.run([*pip, "ansible-core==2.18.*"], check=True, timeout=240)
    return {**os.environ, "PYTHONPATH": str(directory), "ANSIBLE_NOCOLOR": "1"}


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_an_ansible_that_is_too_old_does_nothing(name: str, old_ansible: dict[str, str], tmp_path: Path) -> None:
    words = ["-i", "localhost,", "-c", "local", "-e", "os_faults_hosts=localhost", resources.playbook(f"{name}.yml")]
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", *words],
        env=old_ansible,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2, done.stderr
    assert "this is ansible-core 2.18." in done.stdout
    assert "need 2.19 or newer; nothing was done" in done.stdout
    assert done.stdout.count("TASK [") == 1, "no other task has run"
