"""Faults for the length of a ``with`` block."""

from __future__ import annotations

import time
from contextlib import suppress

from hostlab import clients
from hostlab.observer import Host
from hostlab.subject import keystone
from hostlab.waiting import wait_for

from os_faults import Cloud


def test_frozen_until_the_block_ends(cloud: Cloud, node_1: Host) -> None:
    subject = keystone(node_1)
    with node_1.undone():
        with cloud.get_service("keystone").frozen():
            assert subject.frozen()
            assert not subject.answers()
        wait_for(subject.answers, "keystone answers", 10)


def test_an_error_in_the_block_takes_the_fault_back(cloud: Cloud, node_2: Host) -> None:
    nodes = cloud.get_nodes(fqdns=[node_2.fqdn])
    with node_2.undone():
        with suppress(ZeroDivisionError), nodes.network_disabled("storage"):
            assert not clients.answers("ssh", node_2.storage_address, 22)
            raise ZeroDivisionError
        wait_for(lambda: clients.answers("ssh", node_2.storage_address, 22), "the network is back", 10)


def test_what_the_host_held_before_the_block_stays(cloud: Cloud, node_1: Host) -> None:
    subject = keystone(node_1)
    service = cloud.get_service("keystone")
    with node_1.undone():
        service.unplug()
        with service.injected("unplug"), service.frozen():
            assert subject.frozen()
        assert subject.answering() == set()
        service.plug()


def test_a_block_without_a_way_to_the_host_ends_when_the_host_has_healed(cloud: Cloud, node_3: Host) -> None:
    nodes = cloud.get_nodes(fqdns=[node_3.fqdn])
    with node_3.undone():
        with nodes.network_disabled("management", heal_after=40):
            assert not clients.answers("ssh", node_3.address, 22)
            begin = time.monotonic()
        assert time.monotonic() - begin < 90
        assert clients.answers("ssh", node_3.address, 22)


def test_a_block_that_only_slows_the_way_to_the_host_does_not_wait(cloud: Cloud, node_3: Host) -> None:
    nodes = cloud.get_nodes(fqdns=[node_3.fqdn])
    look = "tc qdisc show dev host0"
    before = node_3.sh(look)
    with node_3.undone():
        with nodes.injected("bandwidth", network_name="management", rate="2M", heal_after=600):
            assert "tbf" in node_3.sh(look)
            begin = time.monotonic()
        assert time.monotonic() - begin < 300
        assert node_3.sh(look) == before
