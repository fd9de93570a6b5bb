"""What a sentence does: on which nodes, with which arguments, and that a bad one touches nothing."""

from __future__ import annotations

import pytest
from support.cloud_fixture import RememberingHosts, cloud_of, hosts

import os_faults
from os_faults import NodeCollectionError, SentenceError, ServiceError
from os_faults.actions import undoing
from os_faults.model import Action
from os_faults.testing import FakeRunner

NAMES = [f"node-{number}.domain.tld" for number in (1, 2, 3)]
FIRST, SECOND, THIRD = NAMES


def said(sentence: str) -> Action:
    """Return what was done in the cloud of the fixture."""
    runner = FakeRunner(hosts())
    with cloud_of(runner) as cloud:
        os_faults.human_api(cloud, sentence)
    return runner.performed[-1]


@pytest.mark.parametrize(
    ("sentence", "verb", "nodes"),
    [
        ("restart keystone service", "restart", [FIRST]),
        ("restart Keystone service", "restart", [FIRST]),
        ("restart memcached service", "restart", NAMES),
        (f"restart memcached service on {THIRD} node", "restart", [THIRD]),
        (f"restart memcached service on {THIRD}", "restart", [THIRD]),
        (f"terminate memcached service on {SECOND} and {THIRD} nodes", "terminate", [SECOND, THIRD]),
        ("freeze memcached service on nodes with keystone service", "freeze", [FIRST]),
        ("kill memcached service on 2 nodes", "kill", [FIRST, THIRD]),  # on node 2 it does not run
        ("reboot nodes", "reboot", NAMES),
        (f"reboot {SECOND}", "reboot", [SECOND]),
        ("reboot nodes with keystone service", "reboot", [FIRST]),
        ("reboot one node with keystone service", "reboot", [FIRST]),
        (f"reboot {FIRST} node with keystone service", "reboot", [FIRST]),
        ("disconnect management network on 10.0.0.2 node", "disable_network", [SECOND]),
        ("partition 10.0.0.1 node with others 10.0.0.2,10.0.0.3", "partition", [FIRST]),
    ],
)
def test_where(sentence: str, verb: str, nodes: list[str]) -> None:
    action = said(sentence)
    assert (action.verb, [node.fqdn for node in action.nodes]) == (verb, nodes)


@pytest.mark.parametrize("word", ["one", "random", "single", "some"])
def test_one_of_them(word: str) -> None:
    assert len(said(f"restart memcached service on {word} node").nodes) == 1
    assert len(said(f"reboot {word} node").nodes) == 1


@pytest.mark.parametrize(
    ("sentence", "arguments"),
    [
        ("freeze memcached service for 2 minutes", {"seconds": 120}),
        ("unplug memcached service for 20 seconds", {"heal_after": "20"}),
        ("stress cpu for 20 seconds on all nodes", {"target": "cpu", "duration": 20}),
        ("skew clock one node with offset -30", {"offset": -30}),
        ("reboot nodes with wait no", {"wait": False}),
        ("disconnect management network on nodes", {"network_name": "management"}),
        ("unplug keystone service egress to MySQL service", {"direction": "egress", "other": "mysql"}),
        ("plug keystone service egress to mysql service", {"direction": "egress", "other": "mysql"}),
        (
            "unplug memcached service ingress from keystone service",
            {"direction": "ingress", "other": "keystone", "addresses": {FIRST: ["10.0.0.1"]}},
        ),
        ("unplug memcached service with direction egress and ports tcp/1,udp/2", {"ports": ["tcp/1", "udp/2"]}),
    ],
)
def test_arguments(sentence: str, arguments: dict[str, object]) -> None:
    assert arguments.items() <= dict(said(sentence).arguments).items()


@pytest.mark.parametrize(
    ("sentence", "error", "words"),
    [
        ("restart keystone service please", SentenceError, "its word 4 is 'please'"),
        ("restart keystne service", ServiceError, "did you mean 'keystone'"),
        ("restart keystone service on node-9 node", NodeCollectionError, "node-9"),
        (f"restart keystone service on {SECOND}", ServiceError, "does not have it"),
        (f"poweroff {SECOND} node with keystone service", ServiceError, "does not have keystone service"),
        ("reboot 4 nodes", NodeCollectionError, "can't pick 4 of 3"),
        ("kill mysql service on one node", ServiceError, "runs on no node"),
        ("reboot nodes with mysql service", ServiceError, "no node has mysql"),
        ("freeze keystone service with seconds 5 and heal_after soon", ValueError, "heal_after"),
        ("unplug memcached service egress to nova-compute service", ServiceError, "no port of nova-compute is known"),
        ("unplug memcached service ingress from mysql service", ServiceError, "no node has mysql"),
        ("unplug memcached service with ports tcp/1", ValueError, "needs a direction"),
        ("unplug memcached service egress to mysqll service", ServiceError, "did you mean 'mysql'"),
        ("disconnect nowhere network on nodes", ValueError, "nowhere"),
    ],
)
def test_what_is_wrong_touches_nothing(sentence: str, error: type[Exception], words: str) -> None:
    runner = FakeRunner(hosts())
    with cloud_of(runner) as cloud, pytest.raises(error, match=words):
        os_faults.human_api(cloud, sentence)
    assert {action.verb for action in runner.performed} <= {"discover"}


def test_a_sentence_that_is_not_understood_asks_nobody() -> None:
    runner = FakeRunner(hosts())
    with cloud_of(runner) as cloud, pytest.raises(os_faults.OSFException):
        os_faults.human_api(cloud, "inject some fault")
    assert runner.performed == []


def test_cuts_of_one_way_are_told_apart() -> None:
    assert said("unplug memcached service").hits == "memcached"
    assert said("unplug memcached service egress to mysql service").hits == "memcached egress mysql"
    ports = said("unplug memcached service with direction egress and ports tcp/1,udp/2")
    assert (ports.hits, ports.undo) == ("memcached egress tcp/1/udp/2", "plug")
    assert undoing(ports).hits == ports.hits


def test_guard_rails_hold() -> None:
    runner = FakeRunner(hosts())
    with cloud_of(runner, limit="50%") as cloud, pytest.raises(os_faults.GuardRailError):
        os_faults.human_api(cloud, "reboot nodes")


@pytest.mark.case("f05")
@pytest.mark.parametrize(
    ("fault", "undo"),
    [
        ("freeze memcached service on one node", "unfreeze memcached service on one node"),
        (
            "unplug memcached service egress to mysql service on one node",
            "plug memcached service egress to mysql service on one node",
        ),
        (
            "disconnect management network on one node with memcached service",
            "connect management network on one node with memcached service",
        ),
        ("terminate memcached service on 2 nodes", "start memcached service on 2 nodes"),
        (f"partition one node with keystone service with others {SECOND}", f"rejoin one node with others {SECOND}"),
        ("stress cpu on one node", "end stress cpu on one node"),
    ],
)
def test_an_undo_of_one_goes_to_the_one_that_holds_the_fault(fault: str, undo: str) -> None:
    nodes = RememberingHosts()
    with cloud_of(FakeRunner(nodes)) as cloud:
        for _ in range(5):
            os_faults.human_api(cloud, fault)
            assert any(nodes.held.values())
            os_faults.human_api(cloud, undo)
            assert not any(nodes.held.values()), nodes.held


@pytest.mark.case("f05")
def test_an_undo_of_more_nodes_than_hold_the_fault_takes_all_of_these() -> None:
    nodes = RememberingHosts()
    with cloud_of(FakeRunner(nodes)) as cloud:
        os_faults.human_api(cloud, f"freeze memcached service on {THIRD}")
        assert len(os_faults.human_api(cloud, "unfreeze memcached service on 2 nodes")) == 2
    assert not any(nodes.held.values())
