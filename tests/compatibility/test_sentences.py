"""Cases G: sentences, by what is done on which nodes.

Some of them are said to real hosts in tests/hosts/cli/test_sentences.py.
"""

from __future__ import annotations

from typing import Any

import pytest
from support.cloud_fixture import hosts

import os_faults
from os_faults import Cloud, OSFException
from os_faults.model import Action, HostResult, Status
from os_faults.testing import FakeRunner

N1, N2, N3 = NAMES = [f"N{number}.local" for number in (1, 2, 3)]
ADDRESSES = {name: f"10.0.0.{number}" for number, name in enumerate(NAMES, 1)}
CONFIG: dict[str, Any] = {
    "cloud_management": {"driver": "devstack", "address": "10.0.0.1", "username": "root"},
    "node_discover": {
        "driver": "node_list",
        "args": [
            {"ip": address, "fqdn": name, "mac": f"52:54:00:00:00:0{name[1]}"} for name, address in ADDRESSES.items()
        ],
    },
    "networks": {"storage": "eth0", "storage-net": "eth0"},
    "power_management": {"driver": "libvirt", "connection_uri": "test:///default"},
    "services": {"Portal": {"driver": "systemd", "service_name": "portal"}},
    "containers": {
        "neutron_api": {
            "driver": "docker_container",
            "args": {"container_name": "neutron_api"},
            "hosts": [ADDRESSES[N1], ADDRESSES[N2]],
        }
    },
}
WHERE = {
    "keystone": [N1, N2],
    "mysql": [N1, N2, N3],
    "nova-api": [N1, N3],
    "neutron-server": [N3],
    "Portal": [N2],
    "nova-compute": [N2],
}
RUNS = {**WHERE, "nova-api": [N3]}
"""Where a service runs at this moment."""


def answer(action: Action, node: str) -> HostResult:
    """Answer as three hosts with these services."""
    if action.verb != "discover":
        return hosts()(action, node)
    services = {
        service: {"units": [f"{service}.service"], "active": node in RUNS[service]}
        for service, names in WHERE.items()
        if node in names
    }
    interface = {"name": "eth0", "mac": f"52:54:00:00:00:0{node[1]}", "addresses": [ADDRESSES[node]]}
    containers = {"neutron_api": {"active": True}} if node in (N1, N2) else {}
    told = {"node": {"fqdn": node, "interfaces": [interface]}, "services": services, "containers": containers}
    return HostResult(node, Status.OK, payload=told)


def cloud_of(runner: FakeRunner) -> Cloud:
    return os_faults.connect(CONFIG, runner=runner)


def done(sentence: str) -> tuple[str, list[str], dict[str, Any]]:
    """Return what is done, on which nodes, with which arguments."""
    runner = FakeRunner(answer)
    with cloud_of(runner) as cloud:
        os_faults.human_api(cloud, sentence)
    (action,) = [each for each in runner.performed if each.verb not in ("discover", "list", "power_state")]
    return action.verb, [node.fqdn for node in action.nodes], dict(action.arguments)


def refused(sentence: str) -> str:
    """Return why a sentence is refused; nothing is done."""
    runner = FakeRunner(answer)
    with cloud_of(runner) as cloud, pytest.raises(OSFException) as refusal:
        os_faults.human_api(cloud, sentence)
    assert {action.verb for action in runner.performed} <= {"discover"}
    return str(refusal.value)


@pytest.mark.case("G01", "G32")
@pytest.mark.parametrize("sentence", ["restart keystone service", "Restart Keystone Service"])
def test_everywhere(sentence: str) -> None:
    assert done(sentence)[:2] == ("restart", [N1, N2])


@pytest.mark.case("G02")
@pytest.mark.parametrize("word", ["one", "random", "single", "some"])
def test_one_node_that_runs_it(word: str) -> None:
    assert done(f"kill nova-api service on {word} node")[:2] == ("kill", [N3])
    assert len(done(f"kill mysql service on {word} node")[1]) == 1


@pytest.mark.case("G03", "G32")
def test_a_node_by_name() -> None:
    assert done(f"restart keystone service on {N2} node")[:2] == ("restart", [N2])


@pytest.mark.case("G04")
def test_all_nodes() -> None:
    assert done("restart keystone service on all nodes") == done("restart keystone service on nodes")
    assert done("restart keystone service on all nodes") == done("restart keystone service")


@pytest.mark.case("G05")
def test_for_a_time() -> None:
    verb, nodes, arguments = done("freeze keystone service for 5 seconds")
    assert (verb, nodes, arguments["seconds"]) == ("freeze", [N1, N2], 5)
    _, nodes, arguments = done("freeze keystone service on one node for 5 seconds")
    assert (len(nodes), arguments["seconds"]) == (1, 5)


@pytest.mark.case("G07")
def test_a_time_in_short() -> None:
    assert done("freeze keystone service for 5 sec")[2]["seconds"] == 5
    assert "'5s'" in refused("freeze keystone service for 5s")


@pytest.mark.case("G08")
def test_a_time_for_what_takes_none() -> None:
    assert "its word 4 is 'for'" in refused("restart keystone service for 5 seconds")


@pytest.mark.case("G09")
def test_what_leaves() -> None:
    verb, nodes, arguments = done("unplug keystone service egress to mysql service")
    assert (verb, nodes) == ("unplug", [N1, N2])
    assert (arguments["direction"], arguments["other"]) == ("egress", "mysql")


@pytest.mark.case("G10")
def test_what_arrives() -> None:
    verb, nodes, arguments = done("unplug mysql service ingress from neutron-server service")
    assert (verb, nodes) == ("unplug", [N1, N2, N3])
    assert arguments["addresses"] == {N3: ["10.0.0.3"]}
    back = done("plug mysql service ingress from neutron-server service")
    assert back[:2] == ("plug", nodes)
    for word in ("direction", "other"):
        assert back[2][word] == arguments[word]


@pytest.mark.case("G11")
def test_another_service_without_a_port() -> None:
    assert "no port of nova-compute is known" in refused("unplug keystone service egress to nova-compute service")


@pytest.mark.case("G12")
def test_no_direction() -> None:
    assert "'sideways'" in refused("unplug keystone service sideways to mysql service")


@pytest.mark.case("G14")
@pytest.mark.parametrize(
    ("sentence", "hint"),
    [
        ("stop keystone service", "known: "),
        ("start keystone", "'service'"),
        ("kill nova api service", "'service'"),
        ("restrat keystone service", "did you mean 'restart'"),
    ],
)
def test_wrong_with_a_hint(sentence: str, hint: str) -> None:
    assert hint in refused(sentence)


@pytest.mark.case("G15")
def test_all_nodes_of_the_cloud() -> None:
    assert done("reboot nodes")[:2] == done("reboot all nodes")[:2] == ("reboot", NAMES)


@pytest.mark.case("G17", "G19")
def test_a_node_with_and_without_the_word() -> None:
    assert done(f"reboot {N2} node")[:2] == done(f"reboot {N2}")[:2] == ("reboot", [N2])
    assert done(f"restart keystone service on {N1}")[:2] == ("restart", [N1])


@pytest.mark.case("G20")
def test_a_node_with_a_service() -> None:
    assert done("reboot one node with keystone service")[1][0] in (N1, N2)
    assert done("reboot one node with Portal service")[1] == [N2]


@pytest.mark.case("G21", "G23")
@pytest.mark.parametrize(
    "sentence", ["reboot nodes with mysql", "Reboot one node with mysql", "poweroff nodes with foo container"]
)
def test_half_a_sentence_is_never_all_nodes(sentence: str) -> None:
    assert "nothing was touched" in refused(sentence) or "foo" in refused(sentence)


@pytest.mark.case("G24")
@pytest.mark.parametrize("target", ["cpu", "memory", "disk", "kernel"])
def test_stress(target: str) -> None:
    assert done(f"stress {target} for 20 seconds on {N2} node")[1] == [N2]
    assert done(f"stress {target} for 20 seconds on nodes")[1] == NAMES
    verb, nodes, arguments = done(f"stress {target} for 20 seconds on all nodes with keystone service")
    assert (verb, nodes) == ("stress", [N1, N2])
    assert {"target": target, "duration": 20}.items() <= arguments.items()


@pytest.mark.case("G26")
def test_no_such_stress() -> None:
    assert "'bogus'" in refused("stress bogus for 10 seconds on nodes")


@pytest.mark.case("G27")
@pytest.mark.parametrize(("sentence", "needed"), [("stress nodes", "target"), ("disconnect nodes", "network_name")])
def test_something_is_missing(sentence: str, needed: str) -> None:
    assert f"with {needed}" in refused(sentence)


@pytest.mark.case("G28", "G29")
@pytest.mark.parametrize("network", ["storage", "storage-net"])
@pytest.mark.parametrize(("word", "verb"), [("disconnect", "disable_network"), ("connect", "enable_network")])
def test_networks(word: str, verb: str, network: str) -> None:
    for where, nodes in ((f"{N2} node", [N2]), ("node with keystone service", [N1, N2]), ("nodes", NAMES)):
        found = done(f"{word} {network} network on {where}")
        assert (*found[:2], found[2]["network_name"]) == (verb, nodes, network)
    assert len(done(f"{word} {network} network on one node with keystone service")[1]) == 1


@pytest.mark.case("G31")
@pytest.mark.parametrize("sentence", ["inject some fault", ""])
def test_no_sentence(sentence: str) -> None:
    assert refused(sentence)


@pytest.mark.case("G32")
def test_names_with_capital_letters() -> None:
    assert done("restart Portal service")[:2] == ("restart", [N2])
    assert done("restart portal service")[:2] == ("restart", [N2])


@pytest.mark.case("G13")
def test_a_container() -> None:
    verb, nodes, arguments = done("terminate neutron_api container on one node")
    assert (verb, len(nodes), arguments["container"]) == ("terminate", 1, "neutron_api")
    assert nodes[0] in (N1, N2)
    assert done("reboot nodes with neutron_api container")[1] == [N1, N2]


@pytest.mark.case("G14")
def test_a_verb_that_containers_do_not_have() -> None:
    assert "'container' where 'service' was expected" in refused("unplug neutron_api container")
