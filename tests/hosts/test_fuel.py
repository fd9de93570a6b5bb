"""A cloud of Fuel: its real command line is on the master, and of Nailgun behind it the part that is asked for nodes.

The nodes are reached through the master, and their networks are bridges, as Fuel makes them.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostlab import nailgun
from hostlab.evidence import Evidence
from hostlab.lab import Lab
from hostlab.observer import Host
from hostlab.stage import at_once
from hostlab.subject import memcached
from hostlab.waiting import wait_for

from os_faults import Cloud, connect

_BRIDGES = {"br-mgmt": "host0", "br-storage": "stor0"}
# In one go, as the connection that says it goes over one of them.
_MOVE = """
move() {
    addresses=$(ip -o address show dev $1 scope global | awk '{print $4}')
    for address in $addresses; do ip address del $address dev $1; done
    for address in $addresses; do ip address add $address dev $2 nodad; done
}
"""
_BRIDGE = _MOVE + "\n".join(
    f"ip link add {bridge} address $(cat /sys/class/net/{nic}/address) type bridge; ip link set {bridge} up; "
    f"ip link set {nic} master {bridge}; move {nic} {bridge}"
    for bridge, nic in _BRIDGES.items()
)
_UNBRIDGE = _MOVE + "\n".join(
    f"ip link set {nic} nomaster; move {bridge} {nic}; ip link del {bridge}" for bridge, nic in _BRIDGES.items()
)


@pytest.fixture(scope="module")
def master(node_1: Host, slaves: list[Host]) -> Iterator[Host]:
    """A host with Fuel's command line, on which runs what stands for Nailgun."""
    roles = (["controller", "cinder"], ["compute"])
    nodes = [
        {
            "id": number,
            "fqdn": host.fqdn,
            "ip": host.address,
            "mac": host.sh("cat /sys/class/net/br-mgmt/address"),
            "cluster": 1,
            "roles": its,
        }
        for number, (host, its) in enumerate(zip(slaves, roles, strict=True), 1)
    ]
    spare = {**nodes[0], "id": 9, "fqdn": "bootstrap", "ip": "10.77.0.99", "cluster": None, "roles": []}
    source = Path(nailgun.__file__).read_text(encoding="utf-8")
    node_1.sh(f"cat >/tmp/nailgun.py <<'END'\n{source}END")
    told = shlex.quote(json.dumps([*nodes, spare]))
    node_1.sh(f"systemd-run --quiet --unit=nailgun python3 /tmp/nailgun.py {told}")
    try:
        wait_for(lambda: node_1.sh("fuel2 node list -f value -c id; true").split() == ["1", "2", "9"], "it answers", 30)
        yield node_1
    finally:
        node_1.sh("systemctl stop nailgun; rm /tmp/nailgun.py", check=False)


@pytest.fixture(scope="module")
def slaves(cluster: list[Host]) -> Iterator[list[Host]]:
    """Two hosts whose networks are bridges."""
    hosts = cluster[:2]
    at_once(lambda host: host.sh(_BRIDGE), hosts)
    try:
        yield hosts
    finally:
        at_once(lambda host: host.sh(_UNBRIDGE), hosts)


@pytest.fixture(scope="module")
def cloud(base_config: dict[str, Any], lab: Lab, master: Host) -> Iterator[Cloud]:
    config = {
        **base_config,
        "cloud_management": {
            "driver": "fuel",
            "address": master.fqdn,
            "username": "root",
            "private_key_file": lab.key,
        },
        "networks": {},
    }
    with connect(config, seed=1) as cloud:
        yield cloud
        cloud.heal()


def test_its_nodes_are_reached_through_the_master(cloud: Cloud, slaves: list[Host], master: Host) -> None:
    nodes = cloud.get_nodes()
    assert nodes.get_fqdns() == [host.fqdn for host in slaves]
    assert nodes.get_ips() == [host.address for host in slaves]
    assert nodes.filter(role="controller").get_fqdns() == [slaves[0].fqdn]
    for host in nodes.run_task({"ansible.builtin.shell": "echo $SSH_CONNECTION"}).values():
        assert host.stdout.split()[0] in (master.address, master.address6)


def test_a_service_of_one_role(cloud: Cloud, slaves: list[Host]) -> None:
    before = [memcached(host).processes() for host in slaves]
    cloud.get_service("memcached").restart(cloud.get_nodes().filter(role="compute"))
    after = [memcached(host).processes() for host in slaves]
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert memcached(slaves[1]).answers()


def test_the_network_that_carries_ssh(cloud: Cloud, slaves: list[Host], evidence: Evidence) -> None:
    seconds = 30
    nodes = cloud.get_nodes(fqdns=[host.fqdn for host in slaves])
    result = nodes.disable_network(network_name="management", heal_after=seconds)
    assert not any(host.answers_ssh() for host in slaves)
    for host in slaves:
        wait_for(host.answers_ssh, "it is back", result[host.fqdn].payload["until"] + 10 - time.time())
        assert host.sh("cat /sys/class/net/br-mgmt/operstate") == "up"
    evidence.undone("disable_network", "the bridge of Fuel's management network came back by itself")


def test_a_network_beside_it(cloud: Cloud, slaves: list[Host]) -> None:
    nodes = cloud.get_nodes(fqdns=[slaves[0].fqdn])
    nodes.disable_network("storage")
    assert [host.sh("cat /sys/class/net/br-storage/operstate") for host in slaves] == ["down", "up"]
    nodes.enable_network("storage")
    assert [host.sh("cat /sys/class/net/br-storage/operstate") for host in slaves] == ["up", "up"]
