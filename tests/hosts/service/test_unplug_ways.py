"""A service is cut off from another one, one way only: what leaves for it, or what comes from it."""

from __future__ import annotations

from typing import Any

import pytest
from hostlab.evidence import Evidence
from hostlab.observer import Host
from hostlab.subject import Subject, keystone, memcached, mysql

import os_faults
from os_faults import Cloud


def asked_on(host: Host, subject: Subject) -> bool:
    """Whether a service answers a client on another host."""
    return bool(host.answering(subject.kind, subject.port, subject.host.address))


@pytest.mark.case("G09")
def test_what_leaves_for_another_service(cloud: Cloud, node_1: Host, node_2: Host, evidence: Evidence) -> None:
    there, here = mysql(node_2), mysql(node_1)
    with node_1.undone():
        assert asked_on(node_1, there)
        os_faults.human_api(cloud, "unplug keystone service egress to mysql service")
        assert not asked_on(node_1, there)
        assert here.answering() == {node_1.address, node_1.address6}, "its own mysql is cut off from others"
        assert there.answers(), "mysql is cut off from others"
        assert keystone(node_1).answering() == keystone(node_1).everywhere, "keystone itself is cut off"
        assert node_1.answers_ssh()
        (fault,) = cloud.faults()
        assert (fault.node, fault.verb, fault.subject) == (node_1.fqdn, "unplug", "keystone egress mysql")

        assert not cloud.get_service("keystone").plug().changed, "a plug without a direction is about another fault"
        assert not asked_on(node_1, there)
        os_faults.human_api(cloud, "plug keystone service egress to mysql service")
        assert asked_on(node_1, there)
    evidence.seen("unplug", "egress to mysql: no answer on node-1 from mysql of node-2, all else answers")
    evidence.undone("unplug", "by plug with the same words; host as before")


@pytest.mark.case("G10")
def test_what_comes_from_another_service(
    cloud: Cloud, node_1: Host, node_2: Host, node_3: Host, evidence: Evidence
) -> None:
    subject = memcached(node_3)
    with node_3.undone():
        sentence = f"unplug memcached service ingress from keystone service on {node_3.fqdn}"
        os_faults.human_api(cloud, sentence)
        assert not asked_on(node_1, subject), "the node of keystone still reaches it"
        assert asked_on(node_2, subject)
        assert subject.answering() == subject.everywhere
        assert asked_on(node_3, memcached(node_1)), "the other way is cut too"
        cloud.heal()
        assert asked_on(node_1, subject)
    evidence.seen("unplug", "ingress from keystone: memcached of node-3 answers everybody but node-1")
    evidence.undone("unplug", "by heal; host as before")


@pytest.mark.case("D21")
def test_a_port_in_place_of_its_own(cloud: Cloud, node_1: Host, node_2: Host) -> None:
    service = cloud.get_service("keystone")
    with node_1.undone():
        service.unplug(direction="egress", other_port=["tcp", 11211])
        assert not asked_on(node_1, memcached(node_2))
        assert asked_on(node_1, mysql(node_2))
        assert keystone(node_1).answering() == keystone(node_1).everywhere
        service.plug(direction="egress", other_port=["tcp", 11211])
        assert asked_on(node_1, memcached(node_2))


def test_only_what_arrives(cloud: Cloud, node_3: Host) -> None:
    subject = memcached(node_3)
    with node_3.undone():
        nodes = cloud.get_nodes([node_3.fqdn])
        cloud.get_service("memcached").unplug(nodes, direction="ingress")
        assert subject.answering() == set()
        cloud.get_service("memcached").plug(nodes, direction="ingress")
        assert subject.answering() == subject.everywhere


@pytest.mark.case("D20")
def test_a_port_that_is_told_to_go_one_way(config: dict[str, Any], node_1: Host, node_2: Host) -> None:
    config["services"] = {"client": {"driver": "systemd", "service_name": "ssh", "ports": [["tcp", 11211, "egress"]]}}
    with os_faults.connect(config) as cloud, node_1.undone():
        nodes = cloud.get_nodes([node_1.fqdn])
        cloud.get_service("client").unplug(nodes)
        assert not asked_on(node_1, memcached(node_2))
        assert node_1.answers_ssh()
        assert asked_on(node_2, memcached(node_1)), "what arrives at the port of this host is cut"
        cloud.get_service("client").plug(nodes)
        assert asked_on(node_1, memcached(node_2))
