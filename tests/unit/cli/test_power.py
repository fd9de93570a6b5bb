"""Power on the command line: the verbs, the state, and what was powered off in the list of faults."""

from __future__ import annotations

import json
import shlex
import signal
from pathlib import Path

import pytest
import yaml
from support.cli_fixture import CommandLine, command_line
from support.cloud_fixture import CONFIG, Machines

from os_faults.model import Action, HostResult
from os_faults.testing import Answer

pytestmark = pytest.mark.usefixtures("state_home")

NODES = ["node-1.domain.tld", "node-2.domain.tld", "node-3.domain.tld"]


@pytest.fixture
def machines() -> Machines:
    return Machines()


@pytest.fixture
def call(tmp_path: Path, machines: Machines) -> CommandLine:
    return with_power(tmp_path, machines)


def with_power(directory: Path, answer: Answer) -> CommandLine:
    call = command_line(directory, answer)
    power = {"power_management": {"driver": "libvirt", "connection_uri": "test:///default"}}
    call.config.write_text(json.dumps({**CONFIG, **power}))
    return call


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["reset"], {}),
        (["reset", "--wait"], {"wait": True}),
        (["poweron", "--no-wait", "--wait-timeout", "5"], {"wait": False, "wait_timeout": 5}),
        (["snapshot", "ready"], {"snapshot_name": "ready"}),
        (["snapshot", "ready", "--no-suspend"], {"snapshot_name": "ready", "suspend": False}),
        (["revert", "ready", "--no-resume"], {"snapshot_name": "ready", "resume": False}),
    ],
)
def test_the_verbs_and_their_options(call: CommandLine, words: list[str], given: dict[str, object]) -> None:
    done = call("inject", *words, "--on", NODES[0])
    assert done.exit_code == 0, done.stderr
    action = call.runner.performed[-1]
    assert dict(action.arguments) == {"node_action": words[0], **given}
    assert [node.fqdn for node in action.nodes] == [NODES[0]]


def test_a_snapshot_needs_a_name(call: CommandLine) -> None:
    done = call("inject", "snapshot")
    assert done.exit_code == 2
    assert "Missing argument 'SNAPSHOT_NAME'" in done.stderr


def test_the_power_state_is_a_column(call: CommandLine, machines: Machines) -> None:
    assert call("nodes").exit_code == 0
    machines.off.add("10.0.0.2")
    done = call("nodes", "--power")
    assert (done.exit_code, done.stderr) == (0, ""), "a node that is off need not answer"
    rows = yaml.safe_load(done.stdout)
    assert list(rows[0])[4:] == ["power", "last_seen"]
    assert [row["power"] for row in rows] == ["on", "off", "on"]
    found = call.json("nodes", "--power")
    assert {node["fqdn"]: node["power"] for node in found["nodes"]} == dict(
        zip(NODES, ["on", "off", "on"], strict=True)
    )
    assert "error" not in found
    assert "power" not in call.json("nodes")["nodes"][0]
    assert call("nodes").exit_code == 4, "who is not asked about the power hears of a node that does not answer"


def test_a_machine_that_does_not_answer_is_told_with_the_others(call: CommandLine, machines: Machines) -> None:
    machines.broken.add("10.0.0.2")
    done = call("nodes", "--power")
    assert done.exit_code == 4
    assert [node["power"] for node in yaml.safe_load(done.stdout)] == ["on", None, "on"]
    assert "node-2.domain.tld failed: the BMC does not answer" in done.stderr


def test_without_power_management_the_state_is_not_known(tmp_path: Path) -> None:
    done = command_line(tmp_path)("nodes", "--power")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "none is configured" in done.stderr


def test_what_was_powered_off_is_listed_and_healed(call: CommandLine, machines: Machines) -> None:
    assert call("inject", "poweroff", "--on", NODES[1]).exit_code == 0
    done = call("faults")
    assert done.exit_code == 0, done.stderr
    (row,) = [line.split() for line in done.stdout.splitlines()[1:]]
    assert row[:5] == [NODES[1], f"poweroff-{NODES[1]}", "poweroff", "power", "held"]
    assert row[7] == "never"
    (fault,) = call.json("faults")["faults"]
    assert (fault["id"], fault["until"], fault["ends_in"]) == (f"poweroff-{NODES[1]}", None, None)

    done = call("heal", "--dry-run")
    assert done.exit_code == 0, done.stderr
    power, hosts = [shlex.split(line)[-1] for line in done.stdout.splitlines()]
    assert (Path(power).name, Path(hosts).name) == ("node_power.yml", "heal.yml")
    (first,) = call.json("heal", "--dry-run")["before"]
    assert (first["verb"], first["nodes"]) == ("poweron", [NODES[1]])
    assert machines.off == {"10.0.0.2"}

    done = call("heal", "--fault-ids", f"poweroff-{NODES[1]}")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.split() == [NODES[1], "ok", "changed", "took", "back", f"poweroff-{NODES[1]}"]
    assert machines.off == set()
    assert call("faults").stderr == "no faults\n"


def test_a_node_that_cannot_be_powered_on_is_the_exit_code_5(call: CommandLine, machines: Machines) -> None:
    assert call("inject", "shutdown", "--on", NODES[1]).exit_code == 0
    machines.broken.add("10.0.0.2")
    done = call("heal")
    assert done.exit_code == 5
    assert "could not be taken back: the BMC does not answer" in done.stderr
    assert call.json("heal")["error"]["type"] == "UndoError"


def test_ctrl_c_powers_on_again(tmp_path: Path, machines: Machines) -> None:
    def interrupted(action: Action, node: str) -> HostResult:
        answer = machines(action, node)
        if action.verb == "poweroff" and node == NODES[1]:
            raise KeyboardInterrupt
        return answer

    call = with_power(tmp_path, interrupted)
    done = call("inject", "poweroff", "--yes")
    assert done.exit_code == 130
    assert machines.off == set()
    assert call("faults").stderr == "no faults\n"


def test_a_second_ctrl_c_tells_that_nothing_but_heal_gives_the_power_back(tmp_path: Path, machines: Machines) -> None:
    def interrupted(action: Action, node: str) -> HostResult:
        answer = machines(action, node)
        if action.verb in ("poweroff", "poweron"):
            signal.raise_signal(signal.SIGINT)
        return answer

    done = with_power(tmp_path, interrupted)("inject", "poweroff", "--on", NODES[0])
    assert done.exit_code == 130
    assert f"{NODES[0]}: may be off by poweroff nodes; only 'os-faults heal' takes it back" in done.stderr


def test_an_option_that_the_verb_does_not_heed_is_none_of_its_own(call: CommandLine) -> None:
    assert "--wait " in call("inject", "reset", "--help").stdout
    assert "--suspend" not in call("inject", "revert", "--help").stdout
    done = call("inject", "poweroff", "--yes", "--wait")
    assert done.exit_code == 2
    assert "No such option" in done.stderr
    assert call.runner.performed == []
