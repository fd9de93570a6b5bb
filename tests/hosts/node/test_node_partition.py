"""Nodes that do not reach each other: what is cut, what is not, and all as before afterwards."""

from __future__ import annotations

from hostlab import clients
from hostlab.evidence import Evidence
from hostlab.observer import Host, OpenConnection
from hostlab.subject import memcached

from os_faults import Cloud
from os_faults.actions import for_verb


def reached(here: Host, there: Host) -> set[str]:
    """Return the addresses of a host at which its memcached answers a client on another host."""
    return here.answering("memcached", 11211, *addresses(there))


def addresses(host: Host) -> set[str]:
    return {host.address, host.address6, host.storage_address}


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
