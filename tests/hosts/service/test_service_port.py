"""A service is cut off from everybody, or from another one, one way only: what leaves for it, or what comes from it."""

from __future__ import annotations

from typing import Any

import pytest
from hostlab import clients
from hostlab.evidence import Evidence
from hostlab.observer import Host, OpenConnection
from hostlab.subject import Subject, keystone, memcached, mysql
from hostlab.waiting import wait_for

import os_faults
from os_faults import AnsibleExecutionException, Cloud, NodeCollection, Service

SHARED = 8091
"""A port that two programs have, each at an address of its own."""


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


@pytest.mark.case("f07")
def test_a_virtual_address_with_the_same_port_is_not_cut(config: dict[str, Any], node_3: Host) -> None:
    """Such as that of HAProxy, which has the port of each API on it."""
    served = {"osf-api": node_3.address, "osf-proxy": node_3.storage_address}
    for unit, address in served.items():
        node_3.sh(f"systemd-run --quiet --unit={unit} python3 -m http.server {SHARED} --bind {address}")
    config["services"] = {"api": {"driver": "systemd", "service_name": "osf-api", "port": ["tcp", SHARED]}}

    def answering() -> set[str]:
        return {unit for unit, address in served.items() if clients.answers("http", address, SHARED)}

    try:
        wait_for(lambda: answering() == set(served), "both answer", 20)
        with os_faults.connect(config) as cloud, node_3.undone():
            nodes, api = cloud.get_nodes([node_3.fqdn]), cloud.get_service("api")
            assert cloud.preview(api.action("unplug", nodes)).told == {}
            api.unplug(nodes)
            assert answering() == {"osf-proxy"}
            api.plug(nodes)
            assert answering() == set(served)
    finally:
        node_3.sh(f"systemctl stop {' '.join(served)}")


@pytest.mark.case("D17", "D19")
def test_unplug_and_plug(subject: Subject, service: Service, nodes: NodeCollection, evidence: Evidence) -> None:
    host = subject.host
    assert subject.answering() == subject.everywhere
    tables = set(host.sh("nft list tables").splitlines())
    with host.undone():
        assert service.unplug(nodes).changed
        assert subject.answering() == set()
        (own,) = set(host.sh("nft list tables").splitlines()) - tables
        assert own.startswith("table inet osf_unplug_"), own
        assert host.answers_ssh(), "another port is cut"
        if subject.service != "memcached":
            assert memcached(host).answering() == memcached(host).everywhere, "another service is cut"

        service.unplug(nodes)
        assert subject.answering() == set()
        assert set(host.sh("nft list tables").splitlines()) - tables == {own}

        assert service.plug(nodes).changed
        assert subject.answering() == subject.everywhere
        assert not service.plug(nodes).changed
    evidence.seen("unplug", f"{subject.service}: no answer here nor on the host, IPv4 and IPv6; {own}")
    evidence.undone("unplug", "by plug; table gone, host as before")
    evidence.seen("plug", f"{subject.service} answers at all {len(subject.everywhere)} addresses")
    evidence.undone("plug", "unit, record and table gone, host as before")


def test_unplug_cuts_open_connections(cloud: Cloud, node_3: Host, evidence: Evidence) -> None:
    subject = memcached(node_3)
    service, nodes = cloud.get_service("memcached"), cloud.get_nodes(fqdns=[node_3.fqdn])
    here = ["python3", clients.__file__, "open", "memcached", "11211"]
    with (
        node_3.undone(),
        OpenConnection([*here, node_3.address]) as over_ipv4,
        OpenConnection([*here, node_3.address6]) as over_ipv6,
        OpenConnection(node_3.client("open", "memcached", 11211, "127.0.0.1")) as on_host,
    ):
        opened = [over_ipv4, over_ipv6, on_host]
        assert all(connection.answers() for connection in opened)
        service.unplug(nodes)
        assert not any(connection.answers() for connection in opened)
        service.plug(nodes)
        wait_for(subject.answers, "memcached answers", 5)
    evidence.seen("unplug", "open connections (IPv4, IPv6, loopback) cut too")


def test_unplug_of_a_unix_socket_is_refused(cloud: Cloud, node_1: Host) -> None:
    with node_1.undone(), pytest.raises(AnsibleExecutionException) as refusal:
        cloud.get_service("placement-api").unplug()
    assert "listens on unix socket" in str(refusal.value)
    assert "unplug horizon" in str(refusal.value) or "apache2" in str(refusal.value)
    assert node_1.fqdn in str(refusal.value)
