"""Cases B: node collections."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import os_faults
from os_faults import Auth, Cloud, Node, NodeCollection, NodeCollectionError
from os_faults.testing import FakeRunner

CONFIG = {
    "cloud_management": {"driver": "universal", "username": "stack", "password": "canary"},
    "node_discover": {
        "driver": "node_list",
        "args": [
            {"ip": f"10.0.0.{n}", "mac": f"52:54:00:00:00:0{n}", "fqdn": f"n{n}.local"} for n in (2, 3, 4, 5, 6, 7)
        ],
    },
}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with os_faults.connect(CONFIG, runner=FakeRunner(), seed=1) as cloud:
        yield cloud


def some(cloud: Cloud, *numbers: int) -> NodeCollection:
    return cloud.get_nodes([f"n{number}.local" for number in numbers])


@pytest.mark.case("B01")
def test_set_algebra(cloud: Cloud) -> None:
    x, y = some(cloud, 2, 3, 4, 5), some(cloud, 2, 3, 6, 7)
    assert x + y == x | y == some(cloud, 2, 3, 4, 5, 6, 7)
    assert x - y == some(cloud, 4, 5)
    assert x & y == some(cloud, 2, 3)
    assert x ^ y == some(cloud, 4, 5, 6, 7)


@pytest.mark.case("B02")
@pytest.mark.parametrize("sign", ["__add__", "__or__", "__and__", "__sub__", "__xor__"])
def test_with_something_else(cloud: Cloud, sign: str) -> None:
    for other in ([], set(), "n2.local", tuple(some(cloud, 2))):
        with pytest.raises(TypeError, match="node collection"):
            getattr(some(cloud, 2), sign)(other)


@pytest.mark.case("B03")
def test_across_clouds(cloud: Cloud) -> None:
    with os_faults.connect(CONFIG, runner=FakeRunner()) as other, pytest.raises(NodeCollectionError, match="two"):
        some(cloud, 2) | some(other, 3)


@pytest.mark.case("B04", "I06")
def test_a_sorted_sequence(cloud: Cloud) -> None:
    nodes = some(cloud, 5, 2, 3)
    assert len(nodes) == 3
    assert [node.fqdn for node in nodes] == ["n2.local", "n3.local", "n5.local"]
    assert nodes[0].ip == "10.0.0.2"
    assert nodes[0] in nodes
    assert cloud.get_nodes(["n4.local"])[0] not in nodes
    assert nodes & some(cloud, 3) == some(cloud, 3)
    assert nodes.pick()[0] in nodes


@pytest.mark.case("B05")
def test_lists_in_one_order(cloud: Cloud) -> None:
    nodes = some(cloud, 7, 2, 4)
    told = list(zip(nodes.get_ips(), nodes.get_macs(), nodes.get_fqdns(), strict=True))
    assert told == [(f"10.0.0.{n}", f"52:54:00:00:00:0{n}", f"n{n}.local") for n in (2, 4, 7)]


@pytest.mark.case("B06")
def test_pick(cloud: Cloud) -> None:
    nodes = some(cloud, 2, 3, 4, 5)
    for count, picked in ((1, nodes.pick()), (2, nodes.pick(count=2))):
        assert isinstance(picked, NodeCollection)
        assert len(picked) == count
        assert picked - nodes == nodes - nodes


@pytest.mark.case("B07")
def test_pick_too_many(cloud: Cloud) -> None:
    with pytest.raises(NodeCollectionError, match="10 of 4"):
        some(cloud, 2, 3, 4, 5).pick(10)


@pytest.mark.case("B08")
def test_everybody_is_picked_once(cloud: Cloud) -> None:
    nodes = some(cloud, 2, 3, 4, 5)
    assert {nodes.pick()[0] for _ in range(100)} == set(nodes)


@pytest.mark.case("B09")
def test_filter(cloud: Cloud) -> None:
    assert cloud.get_nodes().filter(lambda node: node.ip == "10.0.0.4") == some(cloud, 4)
    with pytest.raises(NodeCollectionError):
        cloud.get_nodes().filter(lambda node: node.ip == "10.0.0.99")


@pytest.mark.case("B10")
def test_by_name(cloud: Cloud) -> None:
    assert cloud.get_nodes(fqdns=["n3.local"]).get_ips() == ["10.0.0.3"]
    for unknown in (["n3.local", "nope"], ["nope"], []):
        with pytest.raises(NodeCollectionError, match="nope" if unknown else "no name"):
            cloud.get_nodes(fqdns=unknown)


@pytest.mark.case("B13")
def test_equal_questions_have_equal_answers(cloud: Cloud) -> None:
    assert cloud.get_nodes() == cloud.get_nodes()
    assert some(cloud, 2, 3) == some(cloud, 3, 2)
    assert some(cloud, 2) != some(cloud, 3)


@pytest.mark.case("B14")
def test_one_address_with_and_without_a_mac(cloud: Cloud) -> None:
    twins = [Node("n2.local", "10.0.0.2", "52:54:00:00:00:02"), Node("n2.local", "10.0.0.2")]
    assert len(NodeCollection(twins, cloud)) == 2


@pytest.mark.case("B16")
def test_a_node_and_a_string(cloud: Cloud) -> None:
    node = some(cloud, 2)[0]
    assert (node == "n2.local") is False
    assert "n2.local" not in some(cloud, 2)


@pytest.mark.case("B17")
def test_what_is_shown(cloud: Cloud) -> None:
    nodes = some(cloud, 2)
    shown = repr((nodes, nodes[0], Node("n9.local", "10.0.0.9", auth=Auth(password="canary"))))
    for word in ("10.0.0.2", "52:54:00:00:00:02", "n2.local"):
        assert word in shown
    assert "canary" not in shown
