"""Who is in the cloud and what runs there; what is not known is refused before a host is touched."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from hostlab.observer import Host

from os_faults import (
    AnsibleExecutionUnreachable,
    Cloud,
    CloudManagementError,
    NodeCollectionError,
    PartlyDone,
    ServiceError,
    connect,
)


@pytest.fixture
def untouched(artifacts: Path, cloud: Cloud):  # type: ignore[no-untyped-def]
    """Assert that the test ran nothing on any host."""
    cloud.get_nodes()
    runs = set(artifacts.iterdir())
    yield
    assert set(artifacts.iterdir()) == runs


@pytest.fixture
def dead_address() -> str:
    """An address on the lab's network where no host is."""
    return "10.77.0.99"


def test_nodes(cloud: Cloud, every_node: list[Host]) -> None:
    nodes = cloud.get_nodes()
    assert nodes.get_fqdns() == [host.sh("hostname -f") for host in every_node]
    assert nodes.get_macs() == [host.sh("cat /sys/class/net/host0/address") for host in every_node]
    assert [socket.gethostbyname(ip) for ip in nodes.get_ips()] == [host.address for host in every_node]
    for node, host in zip(nodes, every_node, strict=True):
        on_host = set(host.sh("ls /sys/class/net").split()) - {"lo"}
        assert {interface.name for interface in node.interfaces} >= on_host
        storage = next(nic for nic in node.interfaces if nic.name == host.storage_interface)
        assert host.storage_address in storage.addresses


def test_units_are_those_of_the_host(cloud: Cloud, every_node: list[Host]) -> None:
    for node, host in zip(cloud.get_nodes(), every_node, strict=True):
        for unit in (unit for units in node.units.values() for unit in units):
            assert host.sh(f"systemctl show --property=LoadState --value {unit}") == "loaded"
    by_name = {node.fqdn: node.units for node in cloud.get_nodes()}
    assert by_name["node-1.domain.tld"]["keystone"] == ("devstack@keystone.service",)
    assert by_name["node-1.domain.tld"].keys() >= {
        "keystone",
        "placement-api",
        "horizon",
        "rabbitmq",
        "mysql",
        "memcached",
    }
    assert by_name["node-2.domain.tld"]["mysql"] == ("mariadb.service",)
    assert set(by_name["node-3.domain.tld"]) == {"memcached"}


@pytest.mark.parametrize("name", ["mysql", "mariadb"])
def test_one_service_under_its_names(cloud: Cloud, name: str) -> None:
    service = cloud.get_service(name)
    assert service.get_nodes().get_fqdns() == ["node-1.domain.tld", "node-2.domain.tld"]


def test_nodes_of_a_service_running_or_not(cloud: Cloud, node_1: Host, node_2: Host) -> None:
    service = cloud.get_service("mysql")
    both = [node_1.fqdn, node_2.fqdn]
    assert service.get_nodes(running=True).get_fqdns() == both
    node_2.sh("systemctl stop mariadb")
    try:
        cloud.refresh()
        assert service.get_nodes().get_fqdns() == both
        assert service.get_nodes(running=True).get_fqdns() == [node_1.fqdn]
    finally:
        node_2.sh("systemctl start mariadb")


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(("name", "offer"), [("keystne", "keystone"), ("memcache", "memcached"), ("mysq", "mysql")])
def test_unknown_service(cloud: Cloud, name: str, offer: str) -> None:
    with pytest.raises(ServiceError, match=f"did you mean '{offer}'"):
        cloud.get_service(name)


@pytest.mark.usefixtures("untouched")
def test_unknown_node(cloud: Cloud) -> None:
    with pytest.raises(NodeCollectionError, match=r"did you mean 'node-\d\.domain\.tld'"):
        cloud.get_nodes(fqdns=["node-2.domain.tl"])


@pytest.mark.usefixtures("untouched")
def test_no_node_is_not_all_nodes(cloud: Cloud) -> None:
    nodes = cloud.get_nodes()
    with pytest.raises(NodeCollectionError, match="no name was given"):
        cloud.get_nodes(fqdns=[])
    with pytest.raises(NodeCollectionError, match="empty set"):
        (nodes - nodes).reboot()
    with pytest.raises(ServiceError, match="empty set"):
        cloud.get_service("memcached").restart(nodes - nodes)


@pytest.mark.usefixtures("untouched")
def test_node_without_the_service(cloud: Cloud) -> None:
    with pytest.raises(ServiceError, match=r"node-3\.domain\.tld does not have it"):
        cloud.get_service("keystone").restart(cloud.get_nodes(fqdns=["node-3.domain.tld"]))


def test_a_dead_seed_is_named(config: dict[str, Any], dead_address: str) -> None:
    config["cloud_management"]["nodes"].append(dead_address)
    config["ssh"]["connect_timeout"] = 1
    with connect(config) as cloud:
        with pytest.raises(PartlyDone) as partly:
            cloud.get_nodes()
        assert dead_address in str(partly.value)
        with pytest.raises(PartlyDone, match=dead_address):
            cloud.get_service("memcached").get_nodes()
        assert list(cloud.unreachable) == [dead_address]
        alive = cloud.get_nodes(fqdns=["node-1.domain.tld", "node-3.domain.tld"])
        assert cloud.get_service("memcached").name == "memcached"
        assert {host.ok for host in alive.run_task({"ansible.builtin.ping": {}}).values()} == {True}


def test_a_cloud_without_a_living_node(config: dict[str, Any], dead_address: str) -> None:
    config["cloud_management"] |= {"address": dead_address}
    del config["cloud_management"]["nodes"]
    config["ssh"]["connect_timeout"] = 1
    with connect(config) as cloud, pytest.raises(AnsibleExecutionUnreachable, match=dead_address):
        cloud.get_nodes()


def test_a_silent_node_is_known_from_the_last_time(
    config: dict[str, Any], node_3: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    config["ssh"]["connect_timeout"] = 1
    with connect(config) as cloud:
        assert len(cloud.get_nodes()) == 3
    node_3.lab.command("cable", "node-3", "host0", "down")
    try:
        with connect(config) as cloud:
            with pytest.raises(PartlyDone, match=r"node-3\.domain\.tld.*last seen"):
                cloud.get_nodes()
            (known,) = cloud.get_nodes(fqdns=[node_3.fqdn])
            assert known.last_seen
            assert known.mac == node_3.lab.node("node-3")["interfaces"]["management"]["mac"]
            with pytest.raises(AnsibleExecutionUnreachable, match=r"node-3\.domain\.tld could not be reached"):
                cloud.get_nodes(fqdns=[node_3.fqdn]).run_task({"ansible.builtin.ping": {}})
    finally:
        node_3.lab.command("cable", "node-3", "host0", "up")


@pytest.mark.parametrize("hostile", ["{{7*7}}", "x$(id)", "a b"])
def test_a_hostile_name_is_refused(only_node_3: dict[str, Any], node_3: Host, tmp_path: Path, hostile: str) -> None:
    only_node_3["artifacts_dir"] = str(tmp_path)
    set_hostname = "python3 -c 'import socket, sys; socket.sethostname(sys.argv[1])'"
    node_3.sh(f"{set_hostname} '{hostile}'")
    try:
        with connect(only_node_3) as cloud:
            with pytest.raises(CloudManagementError, match="refused the host name") as refusal:
                cloud.get_service("memcached").restart()
            assert hostile in str(refusal.value)
            assert len(list(tmp_path.iterdir())) == 1, "more was run than the discovery"
    finally:
        node_3.sh(f"{set_hostname} node-3")
    with connect(only_node_3) as cloud:
        assert cloud.get_nodes().get_fqdns() == [node_3.fqdn]
