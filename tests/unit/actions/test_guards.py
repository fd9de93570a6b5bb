"""Guard rails: which actions are refused, in which words; and that nothing was touched then."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.cli_fixture import command_line
from support.cloud_fixture import cloud_of, hosts

from os_faults import ArgumentError, ConfigError, GuardRailError
from os_faults.actions import contracts, for_verb, lasts
from os_faults.actions.guards import Guards, Limit, is_whole
from os_faults.faults.plan import conflicts
from os_faults.model import Action, Fault, HostResult, Node
from os_faults.system.actor import acting
from os_faults.testing import FakeRunner

pytestmark = pytest.mark.usefixtures("state_home")

NODES = tuple(Node(f"node-{number}.domain.tld", f"10.0.0.{number}") for number in range(1, 6))

#: Verbs that break nothing: each takes another verb back. Whoever adds a verb decides here where it belongs.
UNDO = {
    *("start", "unfreeze", "plug", "unlimit_memory", "unlimit_cpu", "poweron", "enable_network", "free_disk"),
    *("read_write", "rejoin", "dns_up", "end_oom", "end_stress", "end_latency", "end_loss", "end_bandwidth"),
    *("unskew_clock", "unpause"),
}


def freeze(count: int, limit: int | str | None = None, among: int = 0, service: str = "keystone") -> Action:
    return for_verb("service", "freeze", NODES[:count], limit=limit, among=among, service=service)


def test_every_verb_but_an_undo_is_guarded() -> None:
    verbs = {word.name: contract.breaks(word.name) for contract in contracts().values() for word in contract.verbs}
    assert {verb for verb, breaks in verbs.items() if not breaks} == UNDO


@pytest.mark.parametrize(
    ("limit", "among", "allowed"),
    [
        ("1", 5, 1),
        ("3", 5, 3),
        ("9", 5, 9),
        ("50%", 4, 2),
        ("50%", 5, 2),
        ("100%", 5, 5),
        ("1%", 99, 0),
        ("1%", 100, 1),
    ],
)
def test_a_share_is_rounded_down(limit: str, among: int, allowed: int) -> None:
    assert Limit(limit, "somebody").allows(among) == allowed


@pytest.mark.parametrize("wrong", ["0", "-1", "0%", "101%", "half", "", "1.5", "50 %"])
def test_what_is_no_limit_is_refused(wrong: str) -> None:
    with pytest.raises(ArgumentError, match="a number of nodes above 0"):
        Limit(wrong, "somebody")


@pytest.mark.parametrize(
    ("configured", "call", "asked", "binds"),
    [
        ((), None, 5, ""),
        (("5",), None, 5, ""),
        (("3",), None, 4, "4 nodes, and the limit 3 of the configuration allows 3"),
        (("3",), 1, 2, "2 nodes, and the limit 1 of this call allows 1"),
        (("1",), "100%", 2, "2 nodes, and the limit 1 of the configuration allows 1"),
        (("4", "50%"), None, 3, "3 nodes, and the limit 50% of 5 nodes of the configuration allows 2"),
        (("10%",), None, 1, "1 node, and the limit 10% of 5 nodes of the configuration allows none"),
    ],
)
def test_the_lowest_limit_binds(configured: tuple[str, ...], call: int | str | None, asked: int, binds: str) -> None:
    guards = Guards(tuple(Limit(text, "the configuration") for text in configured))
    said = guards.refusals(freeze(asked, call), NODES)
    assert said == ([f"it asks for {binds}; choose fewer nodes, or raise the limit"] if binds else [])


def test_a_share_counts_the_nodes_that_have_the_service() -> None:
    guards = Guards((Limit("50%", "the configuration"),))
    assert guards.refusals(freeze(2, among=4), NODES) == []
    (said,) = guards.refusals(freeze(2, among=3), NODES)
    assert "50% of 3 nodes" in said


@pytest.mark.parametrize("name", ["node-2.domain.tld", "node-2", "10.0.0.2", "node-[2-5]*", "*.0.2"])
def test_a_protected_node_has_many_names(name: str) -> None:
    guards = Guards(nodes=(name,))
    assert guards.refusals(freeze(1), NODES) == []
    (said,) = guards.refusals(freeze(2), NODES)
    assert (
        said == f"node-2.domain.tld is protected by protected.nodes in the configuration ({name}); choose other nodes"
    )


def test_a_protected_node_that_is_none_protects_nobody_so_everything_is_refused() -> None:
    (said,) = Guards(nodes=("nod-2.domain.tld",)).refusals(freeze(1), NODES)
    assert "names 'nod-2.domain.tld', which is no node of the cloud: did you mean" in said
    assert Guards(nodes=("rack-9-*",)).refusals(freeze(1), NODES) == []


def test_a_protected_service() -> None:
    guards = Guards(services=("mysql", "key*"))
    assert guards.refusals(freeze(1), NODES) == [
        "keystone is protected by protected.services in the configuration (key*)"
    ]
    assert guards.refusals(freeze(1, service="memcached"), NODES) == []
    assert guards.refusals(for_verb("node", "reboot", NODES), NODES) == []


def verbs_of(runner: FakeRunner) -> list[str]:
    return [action.verb for action in runner.performed if action.verb != "discover"]


STRICT: dict[str, Any] = {"limit": [2, "67%"], "protected": {"nodes": ["node-3"], "services": ["keystone"]}}


def test_a_cloud_refuses_before_any_host_is_touched_and_says_all_that_stands_in_the_way() -> None:
    runner = FakeRunner(hosts())
    cloud = cloud_of(runner, **STRICT)
    with pytest.raises(GuardRailError) as caught:
        cloud.get_service("memcached").terminate()
    assert str(caught.value) == (
        "terminate memcached service: refused, nothing was touched: "
        "it asks for 3 nodes, and the limit 2 of the configuration allows 2; choose fewer nodes, or raise the limit; "
        "node-3.domain.tld is protected by protected.nodes in the configuration (node-3); choose other nodes"
    )
    nodes = cloud.get_nodes()
    refused = (
        lambda: cloud.get_service("keystone").kill(),
        lambda: nodes[2:].reboot(),
        lambda: nodes[:2].reboot(limit=1),
        lambda: cloud.get_service("memcached").freeze(nodes[:2], sec=5, limit="50%"),
        lambda: cloud.injected(nodes.action("dns_down")).__enter__(),
    )
    for call in refused:
        with pytest.raises(GuardRailError):
            call()
    assert verbs_of(runner) == []
    nodes[:2].reboot(limit=2)
    assert verbs_of(runner) == ["reboot"]


def test_what_reads_heals_or_takes_back_is_never_refused() -> None:
    runner = FakeRunner(hosts())
    cloud = cloud_of(runner, limit=1, protected={"nodes": ["*"], "services": ["*"]})
    cloud.verify()
    cloud.faults()
    cloud.heal()
    keystone = cloud.get_service("keystone")
    keystone.start()
    keystone.unfreeze()
    keystone.plug()
    cloud.get_nodes().dns_up()
    cloud.get_nodes().run_task({"ansible.builtin.ping": {}})
    with pytest.raises(GuardRailError):
        keystone.restart()
    with pytest.raises(ArgumentError, match="plug takes no limit"):
        keystone.action("plug", limit=1)


@pytest.mark.parametrize("limit", ["none", 0, "150%"])
def test_a_call_with_a_wrong_limit_is_refused(limit: int | str) -> None:
    cloud = cloud_of(FakeRunner(hosts()))
    with pytest.raises(ArgumentError, match="limit must be a number"):
        cloud.get_nodes().reboot(limit=limit)


def test_a_protected_service_that_nobody_knows_is_a_wrong_configuration() -> None:
    with pytest.raises(
        ConfigError, match=r"protected\.services: service 'keystne' is not known; did you mean 'keystone'"
    ):
        cloud_of(FakeRunner(hosts()), protected={"services": ["keystne"]})


def test_the_command_line_has_a_limit_and_ends_with_2(tmp_path: Path) -> None:
    call = command_line(tmp_path)
    refused = call("inject", "restart", "memcached", "--yes", "--limit", "50%")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "asks for 3 nodes, and the limit 50% of 3 nodes of this call allows 1" in refused.stderr
    assert call("inject", "restart", "memcached", "--yes", "--limit", "many").exit_code == 2
    assert call("inject", "plug", "memcached", "--limit", "1").exit_code == 2
    assert call.verbs == []
    assert call("inject", "restart", "memcached", "--on", "one", "--limit", "50%").exit_code == 0
    assert call.verbs == ["restart"]


def claimed(by: str, until: float = 2e9) -> dict[str, Any]:
    return {"fault": "freeze", "subject": "keystone", "by": by, "since": 1.7e9, "until": until}


def held_by(*claims: dict[str, Any]) -> FakeRunner:
    """Return three hosts, of which the second tells these claims; the list may change meanwhile."""
    good = hosts()

    def answer(action: Action, node: str) -> HostResult:
        told = good(action, node)
        if action.verb == "discover" and told.payload["node"]["fqdn"].startswith("node-2"):
            return replace(told, payload={**told.payload, "claims": list(claims)})
        return told

    return FakeRunner(answer)


def test_a_cloud_in_which_somebody_else_has_faults_is_refused_unless_forced() -> None:
    runner = held_by(claimed("eve@elsewhere"))
    cloud = cloud_of(runner)
    nodes = cloud.get_nodes()
    with pytest.raises(GuardRailError) as caught:
        nodes[:1].reboot()
    for part in (
        "eve@elsewhere",
        "freeze keystone on node-2.domain.tld",
        "since 2023-11-",
        "until 2033-05-",
        "--force",
    ):
        assert part in str(caught.value)
    cloud.get_service("keystone").unfreeze()
    assert verbs_of(runner) == ["unfreeze"]
    nodes[:1].reboot(force=True)
    cloud.get_service("memcached").freeze(nodes[:1], sec=9, force=True)
    assert [action.arguments["force"] for action in runner.performed if action.breaks] == [True, True]


def test_who_has_the_faults_is_not_refused() -> None:
    me = acting()
    cloud = cloud_of(held_by(claimed(me)))
    cloud.get_nodes()[:1].reboot()


def test_what_was_told_long_ago_is_asked_again_before_somebody_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os_faults.discovery.discovery._FRESH", -1.0)
    answers = [[claimed("eve@elsewhere")], []]
    good = hosts()

    def answer(action: Action, node: str) -> HostResult:
        told = good(action, node)
        if action.verb == "discover" and told.payload["node"]["fqdn"].startswith("node-2"):
            return replace(told, payload={**told.payload, "claims": answers.pop(0)})
        return told

    cloud_of(FakeRunner(answer)).get_nodes()[:1].reboot()
    assert answers == []


def test_every_node_of_a_cloud_needs_a_yes(tmp_path: Path) -> None:
    call = command_line(tmp_path)
    for words in (("reboot",), ("restart", "memcached"), ("reboot", "--on", "node-1.domain.tld,10.0.0.2,10.0.0.3")):
        done = call("inject", *words)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "on every node of the cloud (3): nothing was touched; confirm with --yes" in done.stderr
    assert call.verbs == []
    assert call("inject", "reboot", "--on", "node-1.domain.tld,10.0.0.2").exit_code == 0
    assert call("inject", "start", "memcached").exit_code == 0
    assert call("inject", "reboot", "--yes").exit_code == 0
    assert call.verbs == ["reboot", "start", "reboot"]


def test_one_node_is_a_whole_cloud_without_a_yes() -> None:
    assert not is_whole(freeze(1), NODES[:1])
    assert is_whole(freeze(2), NODES[:2])
    assert not is_whole(for_verb("service", "plug", NODES[:2], service="keystone"), NODES[:2])


def test_a_plan_tells_everything_and_touches_nothing(tmp_path: Path) -> None:
    call = command_line(tmp_path, hosts(holds=("freeze-memcached", "unplug-keystone")))
    done = call("plan", "inject", "limit_cpu", "memcached", "--heal-after", "77", "--on", "node-2.domain.tld")
    assert done.exit_code == 0, done.stderr
    told = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert told["nodes"] == "node-2.domain.tld"
    assert "service_limit.yml" in told["command"]
    assert told["lasts"] == "77 s, then the nodes take it back"
    assert told["meets"].startswith("freeze memcached on node-2.domain.tld")
    assert "unlimit_cpu" in done.stdout
    assert call.verbs == ["list"]


def test_a_plan_that_would_be_refused_ends_with_2(tmp_path: Path) -> None:
    call = command_line(tmp_path)
    done = call("--output", "json", "plan", "inject", "reboot", "--limit", "1")
    assert done.exit_code == 2
    (plan,) = json.loads(done.stdout)["plan"]
    (refusal,) = plan["refused"]
    assert refusal.startswith("it asks for 3 nodes, and the limit 1 of this call allows 1")
    assert (plan["whole_cloud"], plan["undone_by"], plan["seconds"]) == (True, None, None)
    assert call.verbs == ["list"]


def test_a_plan_of_heal(tmp_path: Path) -> None:
    call = command_line(tmp_path)
    done = call("plan", "heal")
    assert done.exit_code == 0, done.stderr
    assert "heal.yml" in done.stdout
    assert call.verbs == []


@pytest.mark.parametrize(
    ("action", "met"),
    [
        (freeze(1), {"unplug-keystone"}),
        (for_verb("service", "restart", NODES[:1], service="memcached"), {"freeze-memcached"}),
        (for_verb("node", "dns_down", NODES[:1]), set()),
        (for_verb("node", "reboot", NODES[:1]), {"unplug-keystone", "freeze-memcached"}),
        (for_verb("node", "poweroff", NODES[:1]), {"unplug-keystone", "freeze-memcached"}),
        (for_verb("service", "plug", NODES[:1], service="keystone"), set()),
    ],
)
def test_what_an_action_meets(action: Action, met: set[str]) -> None:
    faults = [
        Fault(NODES[0].fqdn, "unplug-keystone", "unplug", "keystone", "injected", 1.0),
        Fault(NODES[0].fqdn, "freeze-memcached", "freeze", "memcached", "injected", 1.0),
        Fault(NODES[1].fqdn, "freeze-keystone", "freeze", "keystone", "injected", 1.0),
    ]
    assert {fault.id for fault in conflicts(action, faults)} == met


def test_how_long_a_fault_lasts() -> None:
    assert lasts(freeze(1)) == 1800
    assert lasts(for_verb("service", "freeze", NODES[:1], service="keystone", seconds=5)) == 5
    assert lasts(for_verb("node", "dns_down", NODES[:1], heal_after="never")) is None
    assert lasts(for_verb("node", "poweroff", NODES[:1])) is None
    assert lasts(for_verb("node", "reboot", NODES[:1])) is None


def test_a_protected_container_is_not_acted_on() -> None:
    kill = for_verb("container", "kill", NODES[:1], container="nova_api")
    assert list(Guards(services=("nova_*",)).refusals(kill, NODES, ())) == [
        "nova_api is protected by protected.services in the configuration (nova_*)"
    ]
