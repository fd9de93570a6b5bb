"""A node reaches no name server, and does again afterwards."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from hostlab.ended import assert_ended_by
from hostlab.evidence import Evidence
from hostlab.observer import Host
from hostlab.subject import memcached

from os_faults import Cloud, NodeCollection

#: Packet filter → how somebody else may remove our rules, all of them or some.
FLUSHED = {
    "nft": ["nft flush ruleset"],
    "iptables": ["iptables -F", "iptables -F OUTPUT", "ip6tables -D INPUT 1", "ip6tables -F"],
}

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


def answered(host: Host) -> set[str]:
    """Return by which ways the host gets an answer from a name server."""
    here = host.lab.about["controller"]
    question = QUESTION.replace("ADDRESS4", here["address"]).replace("ADDRESS6", here["address6"])
    return set(host.sh(f"python3 - <<'E'\n{question}\nE").split())


@pytest.mark.usefixtures("name_server")
def test_dns_down(nodes: NodeCollection, node_3: Host, tool: str, evidence: Evidence) -> None:
    everything = {"udp4", "tcp4", "udp6", "tcp6", "own"}
    assert answered(node_3) == everything
    with node_3.undone():
        assert nodes.dns_down().changed
        assert answered(node_3) == set()
        assert memcached(node_3).answers()
        assert not nodes.dns_down(heal_after=60).changed
        assert nodes.dns_up().changed
        assert answered(node_3) == everything
        assert not nodes.dns_up().changed
    evidence.seen("dns_down", f"no answer from port 53, UDP and TCP, IPv4, IPv6 and on the host itself ({tool})")
    evidence.undone("dns_down", "by dns_up; rules gone, host as before")
    evidence.seen("dns_up", "answers by every way")
    evidence.undone("dns_up", "unit and record gone, host as before")


@pytest.mark.case("f08")
def test_rules_that_somebody_else_removes_are_not_in_force(
    cloud: Cloud, nodes: NodeCollection, node_3: Host, tool: str
) -> None:
    with node_3.undone():
        for flush in FLUSHED[tool]:
            nodes.dns_down(heal_after=600)
            assert_ended_by(cloud, node_3, flush)
            assert nodes.dns_up().changed
