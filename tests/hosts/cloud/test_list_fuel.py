"""A cloud of Fuel: its real command line is on the master, and of Nailgun behind it the part that is asked for nodes.

The nodes are reached through the master, and their networks are bridges, as Fuel makes them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from hostlab import fuel
from hostlab.evidence import Evidence
from hostlab.fuel import Master
from hostlab.lab import Lab
from hostlab.observer import Host
from hostlab.subject import memcached
from hostlab.waiting import wait_for

from os_faults import Cloud, connect

ROLES = {"cluster-1": ("controller", "cinder"), "cluster-2": ("compute",), "cluster-3": ("compute",)}


@pytest.fixture(scope="module")
def slaves(cluster: list[Host]) -> Iterator[list[Host]]:
    """Three hosts whose networks are bridges."""
    with fuel.bridged(cluster):
        yield cluster


@pytest.fixture(scope="module")
def master(lab: Lab, slaves: list[Host]) -> Iterator[Master]:
    with fuel.serving(Host(lab, "host")) as master:
        master.enrol(slaves, ROLES)
        yield master


@pytest.fixture(scope="module")
def cloud(base_config: dict[str, Any], lab: Lab, master: Master) -> Iterator[Cloud]:
    config = {
        **base_config,
        "cloud_management": {**master.management("stack"), "private_key_file": lab.key},
        "networks": {},
    }
    with connect(config, seed=1) as cloud:
        yield cloud
        cloud.heal()


def test_its_nodes_are_reached_through_the_master(cloud: Cloud, slaves: list[Host], master: Master) -> None:
    nodes = cloud.get_nodes()
    assert nodes.get_fqdns() == [host.fqdn for host in slaves]
    assert nodes.get_ips() == [host.address for host in slaves]
    assert nodes.filter(role="controller").get_fqdns() == [slaves[0].fqdn]
    as_logged_in = {"ansible_become": False}  # sudo forgets where one comes from
    for host in nodes.run_task({"ansible.builtin.shell": "echo $SSH_CONNECTION", "vars": as_logged_in}).values():
        assert host.stdout.split()[0] in (master.host.address, master.host.address6)


def test_a_service_of_one_role(cloud: Cloud, slaves: list[Host]) -> None:
    before = [memcached(host).processes() for host in slaves]
    cloud.get_service("memcached").restart(cloud.get_nodes().filter(role="compute"))
    after = [memcached(host).processes() for host in slaves]
    assert after[0] == before[0]
    assert all(new != old for new, old in zip(after[1:], before[1:], strict=True))
    assert all(memcached(host).answers() for host in slaves)


def test_the_network_that_carries_ssh(cloud: Cloud, slaves: list[Host], evidence: Evidence) -> None:
    seconds = 30
    cut, other = slaves[:2], slaves[2]
    nodes = cloud.get_nodes(fqdns=[host.fqdn for host in cut])
    result = nodes.disable_network(network_name="management", heal_after=seconds)
    assert not any(host.answers_ssh() for host in cut)
    assert other.answers_ssh()
    for host in cut:
        wait_for(host.answers_ssh, "it is back", result[host.fqdn].payload["until"] + 10 - time.time())
        assert host.sh("cat /sys/class/net/br-mgmt/operstate") == "up"
    evidence.undone("disable_network", "the bridge of Fuel's management network came back by itself")


def test_a_network_beside_it(cloud: Cloud, slaves: list[Host]) -> None:
    nodes = cloud.get_nodes(fqdns=[slaves[0].fqdn])
    nodes.disable_network("storage")
    assert [host.sh("cat /sys/class/net/br-storage/operstate") for host in slaves] == ["down", "up", "up"]
    nodes.enable_network("storage")
    assert [host.sh("cat /sys/class/net/br-storage/operstate") for host in slaves] == ["up", "up", "up"]
