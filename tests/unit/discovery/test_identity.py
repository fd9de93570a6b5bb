"""A host is believed about itself and about no other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from os_faults import HostResult, Node, Status
from os_faults.discovery.identity import identify
from os_faults.drivers.cloud.devstack import DevStackCloud

DRIVER = DevStackCloud({"address": "10.0.0.1", "nodes": ["10.0.0.2", "10.0.0.3"]})


def answer(name: str, address: str, *more: str) -> dict[str, Any]:
    interfaces = [{"name": "eth0", "mac": None, "addresses": [address, *more]}]
    return {"node": {"fqdn": name, "boot_id": name, "interfaces": interfaces}, "services": {}}


def identified(answers: Mapping[str, Any], before: Mapping[str, str] | None = None) -> tuple[dict[str, str], set[str]]:
    """Return address → name of those that are believed, and the addresses of those that are refused."""
    results = {address: HostResult(address, Status.OK, payload=payload) for address, payload in answers.items()}
    known = {name: Node(name, address, last_seen="2026-01-01") for name, address in (before or {}).items()}
    nodes, refused = identify(DRIVER.nodes, results, DRIVER.seeds(), known)
    assert all(refused.values())
    return {node.ip: node.fqdn for node in nodes}, set(refused)


def test_hosts_are_who_they_say() -> None:
    answers = {f"10.0.0.{number}": answer(f"node-{number}", f"10.0.0.{number}") for number in (1, 2, 3)}
    assert identified(answers) == ({"10.0.0.1": "node-1", "10.0.0.2": "node-2", "10.0.0.3": "node-3"}, set())


def test_of_two_with_one_name_none_is_believed_unless_one_had_it_before() -> None:
    answers = {"10.0.0.1": answer("node-1", "10.0.0.1"), "10.0.0.2": answer("node-1", "10.0.0.2")}
    assert identified(answers) == ({}, {"10.0.0.1", "10.0.0.2"})
    assert identified(answers, {"node-1": "10.0.0.1"}) == ({"10.0.0.1": "node-1"}, {"10.0.0.2"})


@pytest.mark.parametrize("name", ["10.0.0.1", "10.0.0.3"])
def test_nobody_is_called_like_the_address_of_another(name: str) -> None:
    answers = {"10.0.0.1": answer("node-1", "10.0.0.1"), "10.0.0.2": answer(name, "10.0.0.2")}
    assert identified(answers) == ({"10.0.0.1": "node-1"}, {"10.0.0.2"})


@pytest.mark.parametrize("name", ["all", "ALL", "ungrouped", "service_keystone"])
def test_nobody_is_called_like_a_group_of_the_inventory(name: str) -> None:
    """Ansible would take the host for all hosts, and the others would never be asked."""
    answers = {"10.0.0.1": answer("node-1", "10.0.0.1"), "10.0.0.2": answer(name, "10.0.0.2")}
    assert identified(answers) == ({"10.0.0.1": "node-1"}, {"10.0.0.2"})


@pytest.mark.parametrize("name", ["_vpn", "br~ex", "tun+", "vlan#7", "eth0.100@eth0", "qvo12345678-9a"])
def test_interfaces_have_the_names_that_linux_allows(name: str) -> None:
    payload = answer("node-1", "10.0.0.1")
    payload["node"]["interfaces"][0]["name"] = name
    assert identified({"10.0.0.1": payload}) == ({"10.0.0.1": "node-1"}, set())


def test_the_name_of_a_node_that_is_silent_is_not_taken() -> None:
    answers = {"10.0.0.2": answer("node-1", "10.0.0.2")}
    assert identified(answers, {"node-1": "10.0.0.1"}) == ({}, {"10.0.0.2"})
    assert identified(answers, {"node-1": "10.0.0.9"}) == ({"10.0.0.2": "node-1"}, set()), "that one is gone"


def test_hosts_may_swap_names() -> None:
    answers = {"10.0.0.1": answer("node-2", "10.0.0.1"), "10.0.0.2": answer("node-1", "10.0.0.2")}
    before = {"node-1": "10.0.0.1", "node-2": "10.0.0.2"}
    assert identified(answers, before) == ({"10.0.0.1": "node-2", "10.0.0.2": "node-1"}, set())


def test_the_address_of_another_node_is_not_its_own() -> None:
    results = {
        "10.0.0.2": HostResult("10.0.0.2", Status.OK, payload=answer("evil", "10.0.0.2", "10.0.0.1", "192.0.2.7"))
    }
    (node,), _ = identify(DRIVER.nodes, results, DRIVER.seeds(), {})
    assert node.addresses == ["10.0.0.2", "192.0.2.7"]


@pytest.mark.parametrize(
    "payload", [{}, {"node": {"fqdn": "a b"}}, {"node": {"fqdn": "x", "interfaces": [{"name": ""}]}}]
)
def test_nonsense_is_refused_alone(payload: dict[str, Any]) -> None:
    answers = {"10.0.0.1": answer("node-1", "10.0.0.1"), "10.0.0.2": payload}
    assert identified(answers) == ({"10.0.0.1": "node-1"}, {"10.0.0.2"})


def test_a_driver_of_somebody_else_may_stumble() -> None:
    def stumbling(answers: Mapping[str, HostResult], seeds: Any = None) -> tuple[Node, ...]:
        if "10.0.0.2" in answers:
            raise KeyError("node")
        return DRIVER.nodes(answers, seeds)

    results = {
        seed.ip: HostResult(seed.ip, Status.OK, payload=answer("n" + seed.ip[-1], seed.ip)) for seed in DRIVER.seeds()
    }
    nodes, refused = identify(stumbling, results, DRIVER.seeds(), {})
    assert [node.fqdn for node in nodes] == ["n1", "n3"]
    assert set(refused) == {"10.0.0.2"}
