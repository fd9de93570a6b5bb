"""A cloud as kolla-ansible lays it out: its inventory, its containers, and systemd units that run them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostlab import clients, podman
from hostlab.lab import Lab
from hostlab.observer import Host
from hostlab.waiting import wait_for

from os_faults import Cloud, NodeCollection, connect, human_api

PORTS = {"keystone": 5000, "glance_api": 9292}
_CREATE = "\n".join(f"kolla {name} {port}" for name, port in PORTS.items())
UNIT = "kolla-keystone-container.service"


@pytest.fixture(scope="module")
def controls(cluster: list[Host]) -> Iterator[list[Host]]:
    """The control nodes."""
    with podman.owners(cluster, _CREATE) as controls:
        yield controls


@pytest.fixture(scope="module")
def cloud(
    base_config: dict[str, Any], lab: Lab, controls: list[Host], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cloud]:
    lines = [f"{host.fqdn} ansible_user={lab.node(host.name)['user']}" for host in controls]
    inventory: Path = tmp_path_factory.mktemp("kolla") / "multinode"
    inventory.write_text(
        "\n".join(["[control]", *lines, "[deployment]", "localhost ansible_connection=local", "[baremetal:children]"])
        + "\ncontrol\n"
    )
    config = {key: base_config[key] for key in ("ssh", "artifacts_dir", "heal_after")}
    management = {"driver": "kolla", "inventory": str(inventory), "private_key_file": lab.key}
    with connect({**config, "cloud_management": management}, seed=1) as cloud:
        yield cloud
        cloud.heal()


@pytest.fixture
def host(controls: list[Host]) -> Host:
    return controls[1]


def answers(host: Host, name: str = "keystone") -> bool:
    return clients.answers("http", host.address, PORTS[name])


def states(host: Host) -> set[str]:
    """Return the states of keystone's processes."""
    script = "for pid in $(podman top keystone hpid | tail -n +2); do cut -d ' ' -f 3 /proc/$pid/stat; done"
    return set(host.sh(script).split())


def test_nodes_and_services_are_found(cloud: Cloud, controls: list[Host]) -> None:
    names = [host.fqdn for host in controls]
    assert cloud.get_nodes().get_fqdns() == names
    assert not cloud.verify().failures
    for name in ("keystone", "glance-api", "glance"):
        assert cloud.get_service(name).get_nodes(running=True).get_fqdns() == names
    assert cloud.get_container("glance_api").get_nodes(running=True).get_fqdns() == names
    assert not cloud.get_service("nova-api").get_nodes()


def test_terminate_is_not_undone_by_systemd(cloud: Cloud, nodes: NodeCollection, host: Host) -> None:
    keystone = cloud.get_service("keystone")
    with host.undone():
        human_api(cloud, f"terminate keystone service on {host.fqdn} node")
        assert host.active(UNIT) in ("inactive", "failed")
        assert not answers(host)
        assert answers(host, "glance_api")
        keystone.start(nodes)
        assert host.active(UNIT) == "active"
        wait_for(lambda: answers(host), "keystone answers again", 15)
        keystone.terminate(nodes)
        cloud.heal()
        wait_for(lambda: answers(host), "healing starts it again", 15)


def test_kill_and_restart(cloud: Cloud, nodes: NodeCollection, host: Host) -> None:
    keystone = cloud.get_service("keystone")
    killed = keystone.kill(nodes)[host.fqdn].payload
    assert killed["notes"] == [f"{UNIT} runs it (Restart=always)"]
    wait_for(lambda: answers(host), "systemd starts it again", 15)
    restarted = keystone.restart(nodes)[host.fqdn].payload
    assert not set(restarted["pids_before"]) & set(restarted["pids_after"])
    wait_for(lambda: answers(host), "keystone answers again", 15)


def test_freeze_unplug_and_pause(cloud: Cloud, nodes: NodeCollection, host: Host) -> None:
    keystone = cloud.get_service("keystone")
    with host.undone():
        with keystone.frozen(nodes):
            assert states(host) == {"T"}
            assert not answers(host)
        wait_for(lambda: answers(host), "keystone goes on", 10)
        with keystone.unplugged(nodes):
            assert not answers(host)
            assert answers(host, "glance_api"), "another port is cut"
        wait_for(lambda: answers(host), "keystone answers again", 10)
        with cloud.get_container("keystone").paused(nodes):
            assert not answers(host)
        wait_for(lambda: answers(host), "keystone goes on", 10)
