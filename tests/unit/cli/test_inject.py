"""``os-faults inject`` and ``heal``: the right action, the right nodes, the right exit code."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from support.cli_fixture import CommandLine, command_line
from support.cloud_fixture import RememberingHosts, hosts

from os_faults.actions import contracts
from os_faults.model import Action, HostResult, Status

pytestmark = pytest.mark.usefixtures("state_home")

NODES = ["node-1.domain.tld", "node-2.domain.tld", "node-3.domain.tld"]


@pytest.fixture
def call(tmp_path: Path) -> CommandLine:
    return command_line(tmp_path)


def names(action: Action) -> list[str]:
    return [node.fqdn for node in action.nodes]


def failing(*bad: str, status: Status = Status.FAILED, **payload: object) -> Callable[[Action, str], HostResult]:
    """Return hosts of which these fail at everything but discovery."""
    good = hosts()

    def answer(action: Action, node: str) -> HostResult:
        if action.verb != "discover" and node in bad:
            return HostResult(node, status, message="it did not work", payload=payload)
        return good(action, node)

    return answer


def test_a_verb_acts_on_all_nodes_of_the_service(call: CommandLine) -> None:
    done = call("inject", "restart", "memcached", "--yes")
    assert done.exit_code == 0, done.stderr
    (action,) = [action for action in call.runner.performed if action.verb == "restart"]
    assert names(action) == NODES
    assert dict(action.arguments) == {"service": "memcached", "service_action": "restart"}
    assert [line.split() for line in done.stdout.splitlines()] == [[node, "ok", "changed"] for node in NODES]
    assert done.stderr == ""


def test_every_verb_of_every_contract_is_a_word(call: CommandLine) -> None:
    for contract in contracts().values():
        if contract.verbs_from:
            words = ["inject", *(["container"] if contract.subject == "container" else [])]
            told = call(*words, "--help").stdout
            for verb in contract.verbs:
                assert f"\n  {verb.name} " in told
                about = call(*words, verb.name, "--help")
                assert about.exit_code == 0
                assert "--on" in about.stdout


def test_options_come_from_the_contract(call: CommandLine) -> None:
    assert call("inject", "restart", "memcached", "--yes", "--service-timeout", "7").exit_code == 0
    action = call.runner.performed[-1]
    assert action.arguments["service_timeout"] == 7
    assert call("inject", "stress", "cpu", "--duration", "10", "--on", NODES[1]).exit_code == 0
    action = call.runner.performed[-1]
    assert (names(action), action.arguments["target"], action.arguments["duration"]) == ([NODES[1]], "cpu", 10)


def test_a_lasting_fault_ends_when_the_configuration_says(call: CommandLine) -> None:
    call.config.write_text(call.config.read_text().replace("{", '{"heal_after": 77, ', 1))
    assert call("inject", "unplug", "memcached", "--yes").exit_code == 0
    assert str(call.runner.performed[-1].arguments["heal_after"]) == "77"
    assert call("inject", "unplug", "memcached", "--yes", "--heal-after", "5").exit_code == 0
    assert str(call.runner.performed[-1].arguments["heal_after"]) == "5"


def test_the_deadline_leaves_time_for_what_was_asked(call: CommandLine) -> None:
    assert call("inject", "reboot", "--yes", "--wait-timeout", "5000").exit_code == 0
    assert call.runner.performed[-1].timeout > 5000


def test_one_is_picked_by_the_seed_and_told(call: CommandLine) -> None:
    chosen = set()
    for _ in range(3):
        done = call("--seed", "11", "inject", "kill", "memcached", "--on", "one")
        assert done.exit_code == 0
        (name,) = names(call.runner.performed[-1])
        assert done.stderr == f"os-faults: seed 11 picked {name}\n"
        chosen.add(name)
    assert len(chosen) == 1
    assert call("inject", "kill", "memcached", "--on", "2").exit_code == 0
    assert len(call.runner.performed[-1].nodes) == 2


def test_a_network_is_cut_on_the_nodes_that_are_named(call: CommandLine) -> None:
    done = call("inject", "disable_network", "management", "--on", f"{NODES[2]},{NODES[0]}")
    assert done.exit_code == 0, done.stderr
    assert sorted(names(call.runner.performed[-1])) == [NODES[0], NODES[2]]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["inject", "restrt", "memcached"], "did you mean 'restart'"),
        (["inject", "restart", "memcache"], "did you mean 'memcached'"),
        (["inject", "restart", "memcached", "--on", "node-2.domain.tl"], "did you mean 'node-2.domain.tld'"),
        (["inject", "restart", "memcached", "--on", "4"], "can't pick 4 of 3 nodes"),
        (["inject", "restart", "keystone", "--on", NODES[2]], f"{NODES[2]} does not have it"),
        (["inject", "stress", "cpuu"], "did you mean 'cpu'"),
        (["inject", "disable_network", "managment"], "did you mean 'management'"),
        (["inject", "reboot", "--wait-timeout", "soon"], "wait_timeout must be a duration such as 30, 30s"),
        (["inject", "restart"], "Missing argument 'SERVICE'"),
        (["nodez"], "did you mean 'nodes'"),
    ],
)
def test_an_unknown_word_is_refused_before_a_host_is_touched(call: CommandLine, words: list[str], hint: str) -> None:
    done = call(*words)
    assert done.exit_code == 2, done.output
    assert hint in done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert call.verbs == []


def test_an_unknown_service_asks_nobody(call: CommandLine) -> None:
    assert call("inject", "restart", "memcache").exit_code == 2
    assert call.runner.performed == []


def test_a_dry_run_prints_the_line_and_changes_nothing(call: CommandLine) -> None:
    done = call("inject", "freeze", "memcached", "--seconds", "5", "--dry-run")
    assert done.exit_code == 0, done.stderr
    assert shlex.split(done.stdout)[0] == "ansible-playbook"
    assert done.stdout.strip().endswith("service_freeze.yml")
    assert len(done.stdout.splitlines()) == 1
    assert call.verbs == []


def test_a_dry_run_as_data(call: CommandLine) -> None:
    found = call.json("inject", "freeze", "memcached", "--on", NODES[0], "--seconds", "5", "--dry-run")
    assert found["schema"] == 1
    assert found["dry_run"] is True
    assert (found["verb"], found["nodes"]) == ("freeze", [NODES[0]])
    assert found["arguments"]["seconds"] == 5
    assert shlex.join(found["command"]) == found["line"]
    assert call.json("heal", "--dry-run")["command"][-1].endswith("heal.yml")
    assert call.verbs == []


def test_a_dry_run_says_how_to_give_passwords(call: CommandLine) -> None:
    call.config.write_text(
        call.config.read_text().replace('"username": "root"', '"username": "me", "password": "canary"')
    )
    done = call("inject", "restart", "memcached", "--yes", "--dry-run")
    assert "--ask-pass" in done.stderr
    assert "canary" not in done.output


@pytest.mark.parametrize(
    ("answer", "code", "kind"),
    [
        (failing(*NODES), 1, "AnsibleExecutionException"),
        (failing(*NODES, status=Status.UNREACHABLE), 3, "AnsibleExecutionUnreachable"),
        (failing(NODES[1]), 4, "PartlyDone"),
        (failing(NODES[1], undo_failed=True), 5, "UndoError"),
    ],
)
def test_exit_codes_and_results_of_what_went_wrong(
    tmp_path: Path, answer: Callable[[Action, str], HostResult], code: int, kind: str
) -> None:
    call = command_line(tmp_path, answer)
    done = call("inject", "restart", "memcached", "--yes")
    assert done.exit_code == code
    assert len(done.stdout.splitlines()) == 3
    assert "it did not work" in done.stdout
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    found = call.json("inject", "restart", "memcached", "--yes")
    assert found["done"] is False
    assert (found["error"]["type"], found["error"]["exit_code"]) == (kind, code)
    assert [node["node"] for node in found["nodes"]] == NODES


def test_the_shape_of_a_result(call: CommandLine) -> None:
    found = call.json("inject", "restart", "memcached", "--on", NODES[0])
    about = ["verb", "subject", "playbook", "arguments"]
    assert list(found) == ["schema", *about, "done", "error", "changed", "seconds", "cost", "artifacts", "nodes"]
    assert found["schema"] == 1
    assert (found["verb"], found["subject"], found["done"], found["error"]) == (
        "restart",
        "memcached service",
        True,
        None,
    )
    (node,) = found["nodes"]
    assert set(node) == {"node", "status", "changed", "message", "notes", "detail"}
    assert (node["node"], node["status"], node["changed"]) == (NODES[0], "ok", True)


def test_notes_of_the_hosts_are_told(tmp_path: Path) -> None:
    good = hosts()

    def answer(action: Action, node: str) -> HostResult:
        if action.verb == "kill":
            return HostResult(node, Status.OK, changed=True, payload={"notes": ["systemd restarts it"]})
        return good(action, node)

    call = command_line(tmp_path, answer)
    assert "systemd restarts it" in call("inject", "kill", "keystone").stdout
    assert call.json("inject", "kill", "keystone")["nodes"][0]["notes"] == ["systemd restarts it"]


def test_heal_heals_everything_or_what_is_named(tmp_path: Path) -> None:
    call = command_line(tmp_path, hosts(holds=("freeze-keystone", "unplug-mysql")))
    assert call("heal").exit_code == 0
    assert names(call.runner.performed[-1]) == NODES
    assert not call.runner.performed[-1].arguments.get("fault_ids")
    call("heal", "--fault-ids", "freeze-keystone,unplug-mysql")
    assert call.runner.performed[-1].arguments["fault_ids"] == ["freeze-keystone", "unplug-mysql"]


@pytest.mark.case("u11")
def test_an_id_that_no_node_holds_is_wrong_usage(tmp_path: Path) -> None:
    holding = command_line(tmp_path, hosts(holds=("freeze-keystone",)))
    for words in (["heal"], ["heal", "--dry-run"], ["plan", "heal"]):
        done = holding(*words, "--fault-ids", "freeze-keystone,freeze-keystnoe")
        assert done.exit_code == 2
        assert "no node holds freeze-keystnoe; 'os-faults faults' lists the ids" in done.stderr
    assert "heal" not in holding.verbs

    call = command_line(tmp_path)
    assert call("inject", "freeze", "keystone").exit_code == 0
    assert call("heal", "--fault-ids", "freeze-keystone").exit_code == 0, "a fault that is over is known"


@pytest.mark.case("u12")
def test_power_that_is_not_configured_is_wrong_usage(call: CommandLine) -> None:
    done = call("inject", "poweroff", "--on", NODES[0])
    assert done.exit_code == 2
    assert "none is configured; nothing was done" in done.stderr
    assert call.verbs == []


@pytest.mark.case("u18")
def test_a_discovered_configuration_is_printed(call: CommandLine) -> None:
    done = call("discover", "-")
    assert done.exit_code == 0, done.output
    assert [node["fqdn"] for node in yaml.safe_load(done.stdout)["node_discover"]["args"]] == NODES
    assert not Path("-").exists()


@pytest.mark.case("u23")
def test_the_help_says_why_a_wrong_clock_takes_no_force(call: CommandLine) -> None:
    assert "takes no force, as" in " ".join(call("inject", "skew_clock", "--help").stdout.split())


def test_an_undo_that_failed_is_the_exit_code_5(tmp_path: Path) -> None:
    call = command_line(tmp_path, failing(NODES[0], undo_failed=True))
    done = call("heal")
    assert done.exit_code == 5
    assert NODES[0] in done.stderr


@pytest.mark.case("f05")
def test_on_one_is_the_one_that_holds_the_fault(tmp_path: Path) -> None:
    nodes = RememberingHosts()
    call = command_line(tmp_path, nodes)
    for _ in range(4):
        assert call("inject", "freeze", "memcached", "--on", "one", "--yes").exit_code == 0
        assert any(nodes.held.values())
        assert call("inject", "unfreeze", "memcached", "--on", "one").exit_code == 0
        assert not any(nodes.held.values())
