"""Nodes that do not reach each other, or no name server: what is cut, what is not, and all as before afterwards."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from hostlab import clients
from hostlab.evidence import Evidence
from hostlab.observer import Host, OpenConnection
from hostlab.subject import memcached

from os_faults import Cloud, NodeCollection
from os_faults.actions import for_verb


def reached(here: Host, there: Host) -> set[str]:
    """Return the addresses of a host at which its memcached answers a client on another host."""
    return here.answering("memcached", 11211, *addresses(there))


def addresses(host: Host) -> set[str]:
    return {host.address, host.address6, host.storage_address}


@pytest.fixture(params=["nft", "iptables"])
def tool(request: pytest.FixtureRequest, node_3: Host) -> Iterator[str]:
    """The packet filter that the plain host has."""
    if request.param == "iptables":
        node_3.sh("mv /usr/sbin/nft /root/nft")
    yield request.param
    node_3.sh("[ ! -e /root/nft ] || mv /root/nft /usr/sbin/nft")


def test_partition(cloud: Cloud, node_1: Host, node_2: Host, node_3: Host, tool: str, evidence: Evidence) -> None:
    one, three = (cloud.get_nodes(fqdns=[host.fqdn]) for host in (node_1, node_3))
    assert reached(node_1, node_3) == addresses(node_3)
    assert reached(node_3, node_1) == addresses(node_1)
    here = OpenConnection(node_3.client("open", "memcached", 11211, node_1.address))
    with node_3.undone(), node_1.undone(), here as connection:
        assert connection.answers()
        assert three.partition(one).changed
        assert reached(node_1, node_3) == reached(node_3, node_1) == set()
        assert not connection.answers()
        assert reached(node_2, node_3) == addresses(node_3), "others are cut off too"
        assert memcached(node_3).answers(), "the controller is cut off too"
        assert not three.partition(one, heal_after=60).changed

        assert three.rejoin(one).changed
        assert reached(node_1, node_3) == addresses(node_3)
        assert reached(node_3, node_1) == addresses(node_1)
        assert not three.rejoin(one).changed
    evidence.seen("partition", f"no answer both ways, IPv4, IPv6, storage; others and ssh go on ({tool})")
    evidence.undone("partition", "by rejoin; rules gone, host as before")
    evidence.seen("rejoin", "answers both ways again")
    evidence.undone("rejoin", "unit and record gone, host as before")


def test_the_controller_on_the_other_side_keeps_its_ssh(cloud: Cloud, node_3: Host) -> None:
    nodes = cloud.get_nodes(fqdns=[node_3.fqdn])
    controller = ",".join(node_3.lab.about["controller"].values())
    with node_3.undone():
        cloud.perform(for_verb("node", "partition", nodes, others=controller, heal_after=60))
        assert not memcached(node_3).answers()
        # It came by one of the two addresses that it has, and both are cut but for that.
        own = {address for address in (node_3.address, node_3.address6) if clients.answers("ssh", address, 22)}
        assert len(own) == 1
        assert cloud.heal().changed
        assert memcached(node_3).answers()


def test_overlapping_partitions_in_any_order(cloud: Cloud, node_1: Host, node_2: Host, node_3: Host) -> None:
    one, two, three = (cloud.get_nodes(fqdns=[host.fqdn]) for host in (node_1, node_2, node_3))
    with node_3.undone():
        three.partition(one | two)
        three.partition(one)
        three.rejoin(one | two)
        assert reached(node_2, node_3) == addresses(node_3)
        assert reached(node_1, node_3) == set(), "the first was undone with the second"
        three.rejoin(one)
        assert reached(node_1, node_3) == addresses(node_3)


QUESTION = """
import socket, threading
def local():
    data, who = own.recvfrom(99)
    own.sendto(data, who)
own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
own.bind(("127.0.0.1", 53))
threading.Thread(target=local, daemon=True).start()
for name, kind, address in [
    ("udp4", socket.SOCK_DGRAM, "ADDRESS4"), ("tcp4", socket.SOCK_STREAM, "ADDRESS4"),
    ("udp6", socket.SOCK_DGRAM, "ADDRESS6"), ("tcp6", socket.SOCK_STREAM, "ADDRESS6"),
    ("own", socket.SOCK_DGRAM, "127.0.0.1"),
]:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as asking:
        asking.settimeout(1)
        try:
            asking.connect((address, 53))
            asking.send(b"who")
            asking.recv(99)
            print(name)
        except OSError:
            pass
"""


@pytest.fixture
def name_server() -> Iterator[None]:
    """Something on this machine that answers whoever asks at port 53."""
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.bind(("::", 53))
    tcp = socket.create_server(("::", 53), family=socket.AF_INET6, dualstack_ipv6=True)

    def answer_udp() -> None:
        while True:
            data, who = udp.recvfrom(99)
            if data == b"end":
                return
            udp.sendto(data, who)

    def answer_tcp() -> None:
        while True:
            connection, _ = tcp.accept()
            with closing(connection):
                data = connection.recv(99)
                if data == b"end":
                    return
                connection.sendall(data)

    threads = [threading.Thread(target=answer_udp), threading.Thread(target=answer_tcp)]
    for thread in threads:
        thread.start()
    yield
    with closing(udp), closing(tcp):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as last_datagram:
            last_datagram.sendto(b"end", ("::1", 53))
        with socket.create_connection(("::1", 53)) as last:
            last.sendall(b"end")
        for thread in threads:
            thread.join(timeout=5)


@pytest.fixture
def plain(cloud: Cloud, node_3: Host) -> NodeCollection:
    return cloud.get_nodes(fqdns=[node_3.fqdn])


def answered(host: Host) -> set[str]:
    """Return by which ways the host gets an answer from a name server."""
    here = host.lab.about["controller"]
    question = QUESTION.replace("ADDRESS4", here["address"]).replace("ADDRESS6", here["address6"])
    return set(host.sh(f"python3 - <<'E'\n{question}\nE").split())


@pytest.mark.usefixtures("name_server")
def test_dns_down(plain: NodeCollection, node_3: Host, tool: str, evidence: Evidence) -> None:
    everything = {"udp4", "tcp4", "udp6", "tcp6", "own"}
    assert answered(node_3) == everything
    with node_3.undone():
        assert plain.dns_down().changed
        assert answered(node_3) == set()
        assert memcached(node_3).answers()
        assert not plain.dns_down(heal_after=60).changed
        assert plain.dns_up().changed
        assert answered(node_3) == everything
        assert not plain.dns_up().changed
    evidence.seen("dns_down", f"no answer from port 53, UDP and TCP, IPv4, IPv6 and on the host itself ({tool})")
    evidence.undone("dns_down", "by dns_up; rules gone, host as before")
    evidence.seen("dns_up", "answers by every way")
    evidence.undone("dns_up", "unit and record gone, host as before")
