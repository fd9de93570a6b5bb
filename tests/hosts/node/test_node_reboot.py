"""A node is rebooted, and waited for or not."""

from __future__ import annotations

import time

import pytest
from hostlab.evidence import Evidence
from hostlab.observer import Host
from hostlab.subject import memcached, mysql
from hostlab.waiting import wait_for

from os_faults import Cloud


@pytest.mark.case("F18")
def test_reboot_waits_for_a_new_boot(cloud: Cloud, node_2: Host, node_3: Host, evidence: Evidence) -> None:
    hosts = [node_2, node_3]
    nodes = cloud.get_nodes(fqdns=[host.fqdn for host in hosts])
    before = {host.name: host.boot_id() for host in hosts}
    states = {host.name: host.fingerprint() for host in hosts}
    began = time.monotonic()
    result = nodes.reboot()
    took = time.monotonic() - began
    for host in hosts:
        assert host.boot_id() != before[host.name]
        assert result[host.fqdn].payload["boot_id_before"] == before[host.name]
    wait_for(lambda: mysql(node_2).answers() and memcached(node_3).answers(), "the services are back", 60)
    for host in hosts:
        host.await_fingerprint(states[host.name], within=30)
    assert cloud.get_service("memcached").restart(nodes).changed, "verbs work after a reboot"
    evidence.seen("reboot", f"new boot ids of two nodes, back after {took:.0f} s")
    evidence.undone("reboot", "services, rules, links and routes as before")


def test_reboot_without_waiting(cloud: Cloud, node_3: Host) -> None:
    nodes = cloud.get_nodes(fqdns=[node_3.fqdn])
    before = node_3.boot_id()
    began = time.monotonic()
    nodes.reboot(wait=False)
    assert time.monotonic() - began < 10
    wait_for(lambda: not node_3.answers_ssh(), "the host goes down", 20, pause=0.02)
    wait_for(node_3.answers_ssh, "the host is back", 60)
    assert node_3.boot_id() != before
    assert cloud.get_service("memcached").restart(nodes).changed, "a connection of before does not hang the next verb"
