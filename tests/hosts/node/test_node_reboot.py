"""A node is rebooted, and waited for or not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from hostlab.evidence import Evidence
from hostlab.observer import Host
from hostlab.subject import memcached, mysql
from hostlab.waiting import wait_for

from os_faults import AnsibleExecutionException, Cloud


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
    node_3.await_boot(before)
    assert cloud.get_service("memcached").restart(nodes).changed, "a connection of before does not hang the next verb"


NEWER = """#!/bin/sh
case $* in
    --version) echo "systemd 257 (257)" ;;
    reboot) {reboot} ;;
    *) exec /usr/local/lib/systemctl "$@" ;;
esac
"""
"""systemctl of a host with a systemd that is newer than the lab's."""


@pytest.fixture
def newer(node_3: Host) -> Iterator[Callable[[str], None]]:
    """Let systemctl reboot of a host do this."""

    def put(reboot: str) -> None:
        node_3.sh("cp /usr/bin/systemctl /usr/local/lib/systemctl")
        node_3.sh(f"cat >/usr/local/lib/newer <<'END'\n{NEWER.format(reboot=reboot)}END\nchmod +x /usr/local/lib/newer")
        node_3.sh("mount --bind /usr/local/lib/newer /usr/bin/systemctl")

    yield put
    node_3.sh("umount /usr/bin/systemctl; rm /usr/local/lib/systemctl /usr/local/lib/newer")


@pytest.mark.case("f33")
@pytest.mark.parametrize("wait", [True, False])
def test_a_reboot_that_an_inhibitor_blocks_names_it(
    cloud: Cloud, node_3: Host, newer: Callable[[str], None], wait: bool
) -> None:
    newer("exec /usr/local/lib/systemctl reboot --check-inhibitors=yes")
    inhibit = "systemd-inhibit --what=shutdown --who=backup --why='it runs' sleep 300"
    node_3.sh(f"systemd-run --quiet --unit=osf-inhibitor {inhibit}")
    wait_for(lambda: "backup" in node_3.sh("systemd-inhibit --list"), "the inhibitor is there", 10)
    boot, began = node_3.boot_id(), time.monotonic()
    try:
        with pytest.raises(AnsibleExecutionException, match=r"blocked on this host by 'backup' \(pid \d+: it runs\)"):
            cloud.get_nodes(fqdns=[node_3.fqdn]).reboot(wait=wait)
        assert time.monotonic() - began < 15
    finally:
        node_3.sh("systemctl stop osf-inhibitor")
    assert node_3.boot_id() == boot


@pytest.mark.case("f33")
def test_a_reboot_that_is_refused_for_another_reason_tells_it_at_once(
    cloud: Cloud, node_3: Host, newer: Callable[[str], None]
) -> None:
    newer("echo 'Call to Reboot failed: Access denied' >&2; exit 1")
    began = time.monotonic()
    with pytest.raises(AnsibleExecutionException, match="Call to Reboot failed: Access denied"):
        cloud.get_nodes(fqdns=[node_3.fqdn]).reboot()
    assert time.monotonic() - began < 15
