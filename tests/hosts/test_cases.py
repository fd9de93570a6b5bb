"""Cases of tests/compatibility/cases.yml on real hosts that no other test shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hostlab.observer import Host
from hostlab.subject import memcached
from hostlab.waiting import wait_for

import os_faults
from os_faults import AnsibleExecutionException, Cloud

SECOND_SSHD = "osf-test-sshd"


@pytest.mark.case("D04", "D05", "I05")
def test_what_runs_where(cloud: Cloud, every_node: list[Host]) -> None:
    service = cloud.get_service("memcached")
    names = [host.fqdn for host in every_node]
    try:
        assert service.get_nodes(running=True).get_fqdns() == names
        service.terminate()
        assert len(service.get_nodes(running=True)) == 0
        service.start(cloud.get_nodes(names[2:]))
        assert [bool(memcached(host).processes()) for host in every_node] == [False, False, True]
        assert service.get_nodes(running=True).get_fqdns() == names[2:]
        service.start()
        assert service.get_nodes(running=True).get_fqdns() == names
    finally:
        service.start()
    for host in every_node:
        wait_for(memcached(host).answers, f"memcached of {host.name} answers", 30)


@pytest.fixture
def local(config: dict[str, Any]) -> Iterator[Cloud]:
    """The cloud with services that are special."""
    config["services"] = {
        "logind": {"driver": "systemd", "service_name": "systemd-logind"},
        "sshd": {"driver": "systemd", "service_name": "ssh", "port": 22},
        "by_hand": {"driver": "process", "args": {"grep": "/usr/bin/memcached"}},
    }
    with os_faults.connect(config) as cloud:
        yield cloud


@pytest.mark.case("D22")
def test_a_service_without_a_port(local: Cloud, node_3: Host) -> None:
    with node_3.undone(), pytest.raises(AnsibleExecutionException, match=r"logind listens on no port of this host"):
        local.get_service("logind").unplug(local.get_nodes([node_3.fqdn]))


@pytest.mark.case("D16")
def test_a_process_that_nobody_knows_how_to_start(local: Cloud, node_3: Host) -> None:
    before = memcached(node_3).processes()
    with pytest.raises(AnsibleExecutionException, match="start") as refusal:
        local.get_service("by_hand").restart(local.get_nodes([node_3.fqdn]))
    assert "by_hand" in str(refusal.value)
    assert memcached(node_3).processes() == before


@pytest.mark.case("D24")
def test_ssh_itself_is_cut_and_comes_back(local: Cloud, node_3: Host) -> None:
    with node_3.undone(within=30):
        local.get_service("sshd").unplug(local.get_nodes([node_3.fqdn]), heal_after=40)
        assert not node_3.answers_ssh()
        wait_for(node_3.answers_ssh, "the host is reached again", 60)


@pytest.mark.case("C30")
def test_another_port_of_ssh(only_node_3: dict[str, Any], node_3: Host) -> None:
    node_3.sh(f"systemd-run --unit={SECOND_SSHD} /usr/sbin/sshd -D -p 2222 -o PidFile=none")
    try:
        only_node_3["cloud_management"]["port"] = 2222
        only_node_3["ssh"]["host_key_policy"] = "off"
        with os_faults.connect(only_node_3) as cloud:
            assert cloud.get_nodes().get_ips() == ["node-3.domain.tld"]
            old = memcached(node_3).processes()
            cloud.get_service("memcached").restart()
            assert not old & memcached(node_3).processes()
    finally:
        node_3.sh(f"systemctl stop {SECOND_SSHD}")
