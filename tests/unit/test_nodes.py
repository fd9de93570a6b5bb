from __future__ import annotations

import pytest
from support.cloud_fixture import cloud_of, hosts

from os_faults import ArgumentError, GuardRailError, NodeCollection, NodeCollectionError, PowerManagementError
from os_faults.testing import FakeRunner


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner(hosts())


@pytest.fixture
def nodes(runner, state_home) -> NodeCollection:
    with cloud_of(runner) as cloud:
        yield cloud.get_nodes()


def test_a_collection_is_an_ordered_set(nodes):
    first, rest = nodes[:1], nodes[1:]
    assert nodes.get_fqdns() == ["node-1.domain.tld", "node-2.domain.tld", "node-3.domain.tld"]
    assert nodes.get_ips() == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    assert nodes.get_macs()[0] == "52:54:00:00:00:01"
    assert isinstance(first, NodeCollection)
    assert nodes[0] in first
    assert nodes[0] not in rest
    assert first | rest == nodes == first + rest
    assert nodes & first == first
    assert nodes - first == rest
    assert nodes ^ first == rest
    assert len({first, nodes[:1]}) == 1


def test_collections_of_two_clouds_do_not_mix(nodes, runner):
    with cloud_of(runner) as other, pytest.raises(NodeCollectionError, match="two different clouds"):
        nodes | other.get_nodes()


def test_a_set_combines_with_sets_only(nodes):
    with pytest.raises(TypeError, match="not with list"):
        nodes | [nodes[0]]


def test_choice_is_repeatable_by_its_seed(runner, state_home):
    with cloud_of(runner, seed=3) as one, cloud_of(runner, seed=3) as two:
        assert [one.get_nodes().pick() for _ in range(5)] == [
            NodeCollection(two.get_nodes().pick(), one) for _ in range(5)
        ]


@pytest.mark.parametrize("count", [0, 4])
def test_a_pick_beyond_the_set_is_refused(nodes, count):
    with pytest.raises(NodeCollectionError, match=f"can't pick {count} of 3"):
        nodes.pick(count)


def test_a_filter_that_nothing_fits_is_an_error(nodes):
    assert nodes.filter(lambda node: node.fqdn.startswith("node-2")).get_ips() == ["10.0.0.2"]
    with pytest.raises(NodeCollectionError, match="none of the 3 nodes"):
        nodes.filter(lambda node: False)


def test_an_empty_set_is_never_everybody(nodes, runner):
    before = len(runner.performed)
    empty = nodes - nodes
    for verb in (empty.reboot, empty.oom, lambda: empty.stress("cpu"), lambda: empty.disable_network("management")):
        with pytest.raises(NodeCollectionError, match="empty set"):
            verb()
    with pytest.raises(NodeCollectionError, match="empty set"):
        empty.run_task({"ansible.builtin.ping": {}})
    assert len(runner.performed) == before


def test_an_unknown_network_is_refused_before_anything_is_touched(nodes, runner):
    before = len(runner.performed)
    with pytest.raises(ArgumentError, match="did you mean 'management'"):
        nodes.disable_network("managment")
    assert len(runner.performed) == before


def test_a_bad_argument_is_refused_in_the_words_of_ansible(nodes, runner):
    before = len(runner.performed)
    with pytest.raises(ArgumentError, match=r"value of target must be one of: cpu, .*, got: cpus"):
        nodes.stress("cpus")
    assert len(runner.performed) == before


def test_aliases_are_the_same_verbs(nodes, runner):
    nodes.disconnect("management", heal_after=30)
    nodes.connect("management")
    assert [action.verb for action in runner.performed[-2:]] == ["disable_network", "enable_network"]
    assert runner.performed[-2].arguments["heal_after"] == "30"


def test_a_lasting_verb_has_an_end(nodes, runner):
    nodes.disable_network("management")
    action = runner.performed[-1]
    assert action.undo == "enable_network"
    assert action.arguments["heal_after"] == "1800"


POWER = {"power_managements": [{"driver": "libvirt", "address": "kvm.local", "domains": {"node-1.domain.tld": "vm-1"}}]}


@pytest.mark.parametrize(
    ("verb", "undo"), [("poweroff", "poweron"), ("poweron", None), ("reset", None), ("shutdown", "poweron")]
)
def test_power_verbs_run_the_power_playbook(runner, state_home, verb, undo):
    with cloud_of(runner, **POWER) as cloud:
        getattr(cloud.get_nodes()[:1], verb)(wait_timeout=400)
    action = runner.performed[-1]
    assert (action.verb, action.playbook) == (verb, "node_power.yml")
    assert action.arguments == {"node_action": verb, "wait_timeout": 400, **({} if undo else {"wait": False})}
    assert action.timeout > 400
    assert action.undo == undo
    assert action.from_outside


@pytest.mark.parametrize("verb", ["poweroff", "poweron", "reset", "shutdown"])
def test_without_power_management_nothing_is_touched(nodes, runner, verb):
    before = len(runner.performed)
    with pytest.raises(PowerManagementError, match=f"^{verb} needs power management, and none is configured; nothing "):
        getattr(nodes, verb)()
    assert len(runner.performed) == before


def test_a_set_of_python_does_not_mix_with_a_collection(nodes):
    for combine in (lambda: set(nodes) | nodes, lambda: set(nodes) - nodes, lambda: nodes & set(nodes)):
        with pytest.raises(TypeError, match="not with set"):
            combine()


@pytest.mark.parametrize("task", ["hostname", {}, None])
def test_a_task_is_a_mapping(nodes, runner, task):
    before = len(runner.performed)
    with pytest.raises(ArgumentError, match="a task is a mapping"):
        nodes.run_task(task)
    assert len(runner.performed) == before


@pytest.mark.case("F02")
def test_a_node_that_no_power_driver_knows_stops_the_verb_by_name(runner, state_home):
    with cloud_of(runner, **POWER) as cloud:
        nodes = cloud.get_nodes()
        before = len(runner.performed)
        for do in (nodes.poweroff, lambda: nodes.action("poweroff")):
            with pytest.raises(PowerManagementError, match=r"knows node-2\..*, node-3\..* \(asked: libvirt\); nothing"):
                do()
        assert len(runner.performed) == before


@pytest.mark.case("F03")
def test_the_first_driver_that_knows_a_node_wins(runner, state_home):
    powers = [*POWER["power_managements"], {"driver": "libvirt", "connection_uri": "test:///default"}]
    with cloud_of(runner, power_managements=powers) as cloud:
        hosts = cloud.inventory()["all"]["hosts"]
    assert hosts["node-1.domain.tld"]["os_faults_power"]["domain"] == "vm-1"
    other = {"driver": "libvirt", "uri": "test:///default", "macs": ["52:54:00:00:00:02"]}
    assert hosts["node-2.domain.tld"]["os_faults_power"] == other


def test_a_partition_knows_every_address_of_the_other_side(nodes):
    action = nodes[:1].action("partition", others=nodes[1:])
    assert action.arguments["others"] == action.hits == "node-2.domain.tld,node-3.domain.tld"
    assert action.arguments["addresses"] == {"node-2.domain.tld": ["10.0.0.2"], "node-3.domain.tld": ["10.0.0.3"]}
    assert nodes[:1].action("partition", others="node-3.domain.tld, node-2.domain.tld") == action
    undo = nodes[:1].action("rejoin", others=nodes[1:])
    assert undo.arguments["others"] == action.hits


def test_a_partition_with_a_node_on_both_sides_or_nobody_on_one_is_refused(nodes, runner):
    before = len(runner.performed)
    with pytest.raises(ArgumentError, match=r"node-2\.domain\.tld would be on both sides"):
        nodes[:2].partition(nodes[1:])
    with pytest.raises(NodeCollectionError, match="nobody on the other side"):
        nodes.partition(nodes - nodes)
    assert len(runner.performed) == before


def test_the_clocks_of_more_nodes_than_the_limit_are_left_alone(nodes, runner):
    with pytest.raises(GuardRailError, match="nothing was touched"):
        nodes.skew_clock(offset=60, limit=1)
    nodes[:1].skew_clock(offset=60, limit=1)
    assert [len(action.nodes) for action in runner.performed if action.verb == "skew_clock"] == [1]
