"""A password is nowhere but in a private file while it is needed: not in arguments, environments, artifacts or logs."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostlab.controller import files_with, watching_processes
from hostlab.observer import Host
from hostlab.subject import memcached

from os_faults import AnsibleExecutionException, connect


@pytest.fixture
def canary(node_3: Host) -> Iterator[str]:
    """A password that careful has on the plain host for the time of a test, and that occurs nowhere else."""
    password = f"canary-{secrets.token_hex(8)}"
    node_3.sh(f"echo careful:{password} | chpasswd")
    yield password
    node_3.sh(f"echo careful:{node_3.lab.about['accounts']['careful']['password']} | chpasswd")


@pytest.mark.case("C23")
def test_passwords_leave_no_trace(
    canary: str, config: dict[str, Any], private: Path, node_3: Host, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    config["cloud_management"] = {
        "driver": "devstack",
        "address": node_3.fqdn,
        "username": "careful",
        "password": canary,
        "become": True,
        "become_password": canary,
    }
    config["artifacts_dir"] = str(tmp_path / "runs")
    subject = memcached(node_3)
    with node_3.undone(), watching_processes(canary) as sightings, connect(config) as cloud:
        service = cloud.get_service("memcached")
        service.freeze(sec=60)
        assert subject.frozen()
        cloud.heal()
        with pytest.raises(AnsibleExecutionException) as failure:
            cloud.get_nodes().run_task({"ansible.builtin.command": {"argv": ["false"]}})
        holders = files_with(canary, private)
        assert holders, "the canary would not be found"
        assert {(path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) for path in holders} == {
            (0o600, 0o700)
        }
        shown = (
            f"{cloud!r} {cloud.get_nodes()!r} {cloud.get_nodes()[0].auth!r} {failure.value} {failure.value.result!r}"
        )
        inventory = str(cloud.inventory())

    assert sightings.samples > 10
    assert sightings.places == set()
    assert canary not in shown
    assert canary not in inventory
    assert canary not in caplog.text
    assert files_with(canary, private, tmp_path) == []
    assert canary not in node_3.sh("journalctl --no-pager; cat /run/os-faults/*/* 2>/dev/null; true")


def test_a_wrong_password_leaves_no_trace(
    config: dict[str, Any], private: Path, node_3: Host, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = f"canary-{secrets.token_hex(8)}"
    config["cloud_management"] = {
        "driver": "devstack",
        "address": node_3.fqdn,
        "username": "careful",
        "password": wrong,
    }
    config["artifacts_dir"] = str(tmp_path / "runs")
    with watching_processes(wrong) as sightings, connect(config) as cloud:
        with pytest.raises(AnsibleExecutionException) as failure:
            cloud.get_nodes()
        assert wrong not in f"{failure.value} {failure.value.result!r}"
    assert sightings.places == set()
    assert wrong not in caplog.text
    assert files_with(wrong, private, tmp_path) == []
