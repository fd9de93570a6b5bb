"""A node loses a network and gets it back as it was: an interface, a bridge, and the one that carries ssh."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from hostlab import clients
from hostlab.evidence import Evidence
from hostlab.observer import Host
from hostlab.waiting import wait_for

from os_faults import ArgumentError, Cloud


def reached_over_storage(host: Host) -> bool:
    return clients.answers("ssh", host.storage_address, 22)


def is_up(host: Host, interface: str) -> bool:
    return "UP" in host.sh(f"ip -o link show {interface}").partition("<")[2].partition(">")[0].split(",")


@pytest.mark.parametrize("name", ["node_1", "node_2"])
def test_storage(name: str, request: pytest.FixtureRequest, cloud: Cloud, evidence: Evidence) -> None:
    host: Host = request.getfixturevalue(name)
    interface = host.storage_interface
    nodes = cloud.get_nodes(fqdns=[host.fqdn])
    # What the kernel drops with the link and nothing in the host brings back.
    static = ["-4 route show table 100", "-4 route show 10.99.0.0/24", "-6 route show fd99::/64"]
    static += [f"-6 -o address show dev {interface} scope global", "neighbour show nud permanent"]
    host.sh(
        f"ip neighbour replace {host.storage_address[:-2]}99 lladdr 52:54:00:00:00:99 nud permanent dev {interface}"
    )
    try:
        before = [host.sh(f"ip {words}") for words in static]
        assert all(before)
        with host.undone():
            nodes.disable_network(network_name="storage")
            assert not is_up(host, interface)
            assert not reached_over_storage(host)
            assert not any(host.sh(f"ip {words}") for words in static[:-1]), "nothing of it would need an undo"

            nodes.disable_network(network_name="storage")
            assert host.holds() == {"disable_network-storage": "active"}

            nodes.enable_network(network_name="storage")
            assert is_up(host, interface)
            assert [host.sh(f"ip {words}") for words in static] == before
            wait_for(lambda: reached_over_storage(host), "it is reached over the storage network", 10)
            assert not nodes.enable_network(network_name="storage").changed
    finally:
        host.sh(f"ip neighbour del {host.storage_address[:-2]}99 dev {interface}")
    host.sh("ping -c 1 -W 2 10.99.0.1 && ping -c 1 -W 2 fd99::1")
    evidence.seen("disable_network", f"{interface}: link down, not reached from here")
    evidence.undone("disable_network", f"by enable_network; addresses and routes of {interface} as before")
    evidence.seen("enable_network", f"{interface}: link up, routes work")
    evidence.undone("enable_network", "unit and record gone, host as before")


def test_aliases(cloud: Cloud, node_1: Host) -> None:
    nodes = cloud.get_nodes(fqdns=[node_1.fqdn])
    with node_1.undone():
        nodes.disconnect("storage")
        assert not is_up(node_1, "stor0")
        nodes.connect("storage")
        assert is_up(node_1, "stor0")


def test_management(cloud: Cloud, node_2: Host, node_3: Host, evidence: Evidence) -> None:
    hosts = [node_2, node_3]
    nodes = cloud.get_nodes(fqdns=["node-2.domain.tld", "node-3.domain.tld"])
    before = {host.name: host.over_storage.fingerprint() for host in hosts}
    seconds = 40  # a loaded machine needs half of it for the verb and the listing
    called = time.time()
    result = nodes.disable_network(network_name="management", heal_after=seconds)

    until = {}
    for host in hosts:
        with pytest.raises(OSError):  # noqa: PT011 - time-out, no route or refused are all the same here
            socket.create_connection((host.address, 22), 1).close()
        assert not is_up(host.over_storage, "host0")
        assert host.over_storage.holds() == {"disable_network-management": "active"}
        answer = result[host.fqdn]
        assert answer.ok
        assert answer.changed
        until[host.name] = answer.payload["until"]
        assert called + seconds - 1 < until[host.name] < time.time() + seconds

    # They can't be asked, so the controller's journal tells of them.
    told = {fault.node: (fault.id, fault.state, fault.until) for fault in cloud.faults()}
    assert told == {host.fqdn: ("disable_network-management", "held", until[host.name]) for host in hosts}

    for host in hosts:
        wait_for(host.answers_ssh, f"{host.name} is back", until[host.name] + 10 - time.time(), pause=0.05)
        late = time.time() - until[host.name]
        assert -1 < late < 2.5, f"{host.name} came back {late:.1f} s after its time"
    for host in hosts:
        host.await_fingerprint(before[host.name])
    assert not cloud.faults()
    cloud.get_service("memcached").restart(nodes)
    evidence.seen("disable_network", "management: ssh cut on two nodes, reported as held until its time")
    evidence.undone("disable_network", "the cut of ssh healed itself at its time")


SLOW_LOGIN = "session required pam_exec.so /bin/sleep 4"
SLOW_IP = """
mv /usr/sbin/ip /usr/sbin/ip.kept
cat >/usr/sbin/ip <<'END'
#!/bin/sh
case "$*" in *" down") sleep 3 ;; esac
exec /bin/ip "$@"
END
chmod 755 /usr/sbin/ip
"""


@pytest.fixture
def slow(node_3: Host) -> Iterator[Host]:
    """A host on which a login takes four seconds, and setting an interface down three."""
    node_3.sh(f"cp -p /etc/pam.d/sshd /root/pam.kept; echo '{SLOW_LOGIN}' >>/etc/pam.d/sshd; {SLOW_IP}")
    yield node_3
    node_3.over_storage.sh("mv /root/pam.kept /etc/pam.d/sshd; mv /usr/sbin/ip.kept /usr/sbin/ip")
    node_3.over_storage.sh("systemctl stop 'os-faults-*'")
    wait_for(node_3.answers_ssh, "the host is back", 60)


def test_a_cut_during_a_login_is_seen_at_once(cloud: Cloud, slow: Host) -> None:
    """The controller logs in anew to see the cut; it does not wait there until the fault is over."""
    result = cloud.get_nodes(fqdns=[slow.fqdn]).disable_network("management", heal_after=60)
    assert not slow.answers_ssh(), "the verb returned when its fault was over"
    assert result[slow.fqdn].changed


def test_management_without_end_is_refused(cloud: Cloud, node_3: Host) -> None:
    task = {
        "osf_hold": {
            "fault": "disable_network",
            "subject": "management",
            "seconds": "never",
            "acts_on": "interface",
            "interface": "host0",
            "inject": [["ip", "link", "set", "host0", "down"]],
            "undo": [["ip", "link", "set", "host0", "up"]],
        }
    }
    with node_3.undone():
        result = cloud.get_nodes(fqdns=[node_3.fqdn]).run_task(task, raise_on_error=False)
        assert not result[node_3.fqdn].ok
        assert "must have an end" in result[node_3.fqdn].message


def test_unknown_network_touches_nothing(cloud: Cloud, node_3: Host, artifacts) -> None:  # type: ignore[no-untyped-def]
    nodes = cloud.get_nodes(fqdns=[node_3.fqdn])
    runs = set(artifacts.iterdir())
    with pytest.raises(ArgumentError, match="did you mean 'management'"):
        nodes.disable_network("managment")
    assert set(artifacts.iterdir()) == runs
