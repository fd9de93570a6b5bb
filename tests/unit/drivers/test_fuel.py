"""The Fuel driver: what its master prints becomes nodes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from os_faults.drivers.cloud.fuel import FuelCloud
from os_faults.errors import CloudManagementError, ConfigError
from os_faults.model import HostResult, Interface, Jump, Node, Status

ARGS = {"address": "fuel.local", "username": "root", "private_key_file": "/key", "port": 2200}
CONTROLLER: dict[str, Any] = {
    "id": 1,
    "name": "Untitled (aa:01)",
    "fqdn": "node-1.domain.tld",
    "ip": "10.20.0.3",
    "mac": "52:54:00:AA:00:01",
    "roles": ["controller", "ceph-osd"],
    "cluster": 1,
    "online": True,
}
COMPUTE: dict[str, Any] = {
    **CONTROLLER,
    "id": 2,
    "fqdn": "node-2.domain.tld",
    "ip": "10.20.0.4",
    "roles": "compute, cinder",
}


def printed(text: str) -> HostResult:
    return HostResult("fuel-master", Status.OK, stdout=text)


def test_what_a_login_shell_prints_before_the_nodes_is_passed_over() -> None:
    text = f"Welcome to [Fuel] 6.0\n{{braces}} and [brackets]\n{json.dumps([CONTROLLER])}\n"
    nodes = FuelCloud(ARGS).listed(printed(text))
    assert [node.fqdn for node in nodes] == ["node-1.domain.tld"]


def test_a_node_that_fuel_knows_nothing_of_is_left_out_by_its_number() -> None:
    answer = printed(json.dumps(CONTROLLER) + json.dumps({"id": "7"}))
    assert [node.fqdn for node in FuelCloud(ARGS).listed(answer)] == ["node-1.domain.tld"]
    assert FuelCloud(ARGS).left_out(answer) == {"7": "the Fuel master knows no name or no address of its node 7"}


def listed(*entries: dict[str, Any], **args: Any) -> tuple[Node, ...]:
    return FuelCloud({**ARGS, **args}).listed(printed(json.dumps(entries)))


def test_the_master_is_asked() -> None:
    directory = FuelCloud(ARGS).directory()
    assert directory is not None
    assert (directory.node.ip, directory.node.auth.port, directory.playbook) == ("fuel.local", 2200, "list_fuel.yml")


def test_nodes_that_are_named_need_no_master() -> None:
    assert FuelCloud(ARGS, listed=[Node("a", "10.20.0.3")]).directory() is None


@pytest.mark.case("E10")
def test_nodes_and_their_roles() -> None:
    nodes = listed(CONTROLLER, COMPUTE)
    assert [(node.fqdn, node.ip, node.mac, node.roles) for node in nodes] == [
        ("node-1.domain.tld", "10.20.0.3", "52:54:00:aa:00:01", ("controller", "ceph-osd")),
        ("node-2.domain.tld", "10.20.0.4", "52:54:00:aa:00:01", ("compute", "cinder")),
    ]


def test_one_by_one_as_fuel2_shows_them() -> None:
    text = "\n".join(json.dumps(entry, indent=2) for entry in (CONTROLLER, COMPUTE))
    assert FuelCloud(ARGS).listed(printed(text)) == listed(CONTROLLER, COMPUTE)


def test_they_are_reached_through_the_master() -> None:
    (node,) = listed(CONTROLLER)
    assert node.auth.jump == Jump("fuel.local", "root", "/key", 2200)
    assert (node.auth.username, node.auth.port) == ("root", None)


def test_or_directly() -> None:
    (node,) = listed(CONTROLLER, slave_direct_ssh=True)
    assert node.auth.jump is None


def test_nodes_of_no_environment_are_left_out() -> None:
    assert listed(CONTROLLER, {**COMPUTE, "cluster": None}) == listed(CONTROLLER)


def test_the_networks_are_the_bridges_that_are_there() -> None:
    node = Node("a", "10.20.0.3", interfaces=(Interface("br-mgmt"), Interface("br-ex"), Interface("eth0")))
    assert FuelCloud(ARGS).networks(node) == {"management": "br-mgmt", "public": "br-ex"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "none of the 0 nodes"),
        ("401 Unauthorized", "printed no list of nodes but '401 Unauthorized'"),
        ('[{"id": 7}]', "no name or no address of its node 7"),
        ("[7]", "printed no list of nodes"),
    ],
)
def test_what_can_not_be_used(text: str, why: str) -> None:
    with pytest.raises(CloudManagementError, match=why):
        FuelCloud(ARGS).listed(printed(text))


def test_an_address_is_needed() -> None:
    with pytest.raises(ConfigError, match="address"):
        FuelCloud({"username": "root"})
