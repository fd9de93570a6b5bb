"""The public fake, as its docstring shows it."""

from __future__ import annotations

import pytest

from os_faults import connect
from os_faults.testing import FakeRunner

CONFIG = {
    "cloud_management": {"driver": "devstack", "address": "10.0.0.2", "password": "secret", "nodes": ["10.0.0.3"]},
    "services": {"app": {"driver": "systemd", "service_name": "app", "hosts": ["10.0.0.3"]}},
}


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def cloud(runner):
    with connect(CONFIG, runner=runner) as cloud:
        yield cloud


def test_every_node_has_every_service_and_does_what_it_is_told(cloud, runner):
    assert cloud.get_service("keystone").restart().changed
    assert runner.performed[-1].verb == "restart"
    assert [node.fqdn for node in runner.performed[-1].nodes] == ["10.0.0.2", "10.0.0.3"]
    assert cloud.get_service("app").get_nodes().get_fqdns() == ["10.0.0.3"]


def test_it_holds_no_fault(cloud):
    cloud.get_service("keystone").freeze()
    assert cloud.faults() == []
    assert cloud.heal()


def test_it_keeps_nothing_on_the_disk(cloud, state_home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    cloud.get_nodes()
    assert not list(tmp_path.rglob("*"))
