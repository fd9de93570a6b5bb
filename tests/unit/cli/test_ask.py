"""The commands that only ask: tables for people, one JSON document for programs."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml
from support.cli_fixture import CommandLine, command_line
from support.cloud_fixture import hosts

from os_faults.actions import contracts
from os_faults.model import Action, HostResult, Status
from os_faults.resources import playbooks_dir

pytestmark = pytest.mark.usefixtures("state_home")


@pytest.fixture
def call(tmp_path: Path) -> CommandLine:
    return command_line(tmp_path)


def holding(silent: tuple[str, ...] = ()):  # type: ignore[no-untyped-def]
    """Return hosts of which the first holds a fault."""
    good = hosts(silent)
    hold = {"id": "freeze-keystone", "fault": "freeze", "subject": "keystone", "state": "injected", "by": "me@here"}

    def answer(action: Action, node: str) -> HostResult:
        found = good(action, node)
        if found.ok and action.playbook == "faults.yml":
            times = {"since": time.time() - 5, "until": time.time() + 95.4}
            return HostResult(
                node, Status.OK, payload={"holds": [{**hold, **times}] if node.startswith("node-1") else []}
            )
        return found

    return answer


def test_nodes(call: CommandLine) -> None:
    done = call("nodes")
    assert done.exit_code == 0, done.stderr
    first, *others = yaml.safe_load(done.stdout)
    assert first == {"fqdn": "node-1.domain.tld", "ip": "10.0.0.1", "mac": "52:54:00:00:00:01", "services": 2}
    assert len(others) == 2
    found = call.json("nodes")
    assert found["schema"] == 1
    assert found["nodes"][0]["units"]["keystone"] == ["devstack@keystone.service"]


def test_nodes_that_do_not_answer_are_told_with_the_others(tmp_path: Path) -> None:
    call = command_line(tmp_path, hosts(silent=("10.0.0.2",)))
    done = call("nodes")
    assert done.exit_code == 4
    assert "node-1.domain.tld" in done.stdout
    assert "10.0.0.2 could not be reached" in done.stderr
    assert call.json("nodes")["error"]["exit_code"] == 4


def test_a_node_that_answered_before_is_told_as_it_was(tmp_path: Path) -> None:
    assert command_line(tmp_path)("nodes").exit_code == 0
    call = command_line(tmp_path, hosts(silent=("10.0.0.2",)))
    done = call("nodes")
    assert done.exit_code == 4
    (row,) = [node for node in yaml.safe_load(done.stdout) if node["fqdn"] == "node-2.domain.tld"]
    assert "unreachable, last seen" in row["last_seen"]
    assert [node["last_seen"] is None for node in call.json("nodes")["nodes"]] == [True, False, True]


def test_nobody_answers(tmp_path: Path) -> None:
    call = command_line(tmp_path, hosts(silent=("10.0.0.1", "10.0.0.2", "10.0.0.3")))
    for words in (["nodes"], ["verify"], ["faults"], ["inject", "reboot"], ["inventory"]):
        done = call(*words)
        assert done.exit_code == 3, words
        assert "Traceback" not in done.stderr


def test_services(call: CommandLine) -> None:
    found = {row["service"]: row["nodes"] for row in call.json("services")["services"]}
    assert found["keystone"] == ["node-1.domain.tld"]
    assert len(found["memcached"]) == 3
    assert "keystone" in call("services").stdout


def test_verify(call: CommandLine) -> None:
    done = call("verify")
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 3
    assert call.json("verify")["done"] is True


def test_faults(tmp_path: Path) -> None:
    call = command_line(tmp_path, holding())
    done = call("faults")
    head, row = done.stdout.splitlines()
    assert head.split() == ["NODE", "ID", "FAULT", "SUBJECT", "STATE", "SINCE", "ENDS", "IN", "BY"]
    assert "freeze-keystone" in row
    assert "1m35s" in row
    (fault,) = call.json("faults")["faults"]
    assert (fault["id"], fault["fault"], fault["state"]) == ("freeze-keystone", "freeze", "injected")
    assert 90 < fault["ends_in"] < 96
    assert isinstance(fault["since"], float)


def test_no_faults(call: CommandLine) -> None:
    done = call("faults")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "no faults\n")
    assert call.json("faults") == {"schema": 1, "faults": []}


def test_inventory_is_for_minus_i(call: CommandLine) -> None:
    tree = json.loads(call("inventory").stdout)
    assert tree["all"]["hosts"]["node-1.domain.tld"]["ansible_host"] == "10.0.0.1"
    assert "service_keystone" in tree["all"]["children"]


def test_inventory_as_an_executable(call: CommandLine) -> None:
    listed = json.loads(call("inventory", "--list").stdout)
    assert listed["_meta"]["hostvars"]["node-2.domain.tld"]["ansible_host"] == "10.0.0.2"
    assert listed["service_keystone"]["hosts"] == ["node-1.domain.tld"]
    one = json.loads(call("inventory", "--host", "node-2.domain.tld").stdout)
    assert one["ansible_host"] == "10.0.0.2"
    wrong = call("inventory", "--host", "node-9.domain.tld")
    assert wrong.exit_code == 2
    assert "did you mean" in wrong.stderr


def test_no_password_is_in_the_inventory(call: CommandLine) -> None:
    assert call("inventory").stderr == ""
    call.config.write_text(
        call.config.read_text().replace('"username"', '"password": "canary", "become_password": "canary", "username"')
    )
    done = call("inventory")
    json.loads(done.stdout)
    assert "canary" not in done.output
    assert "--ask-pass --ask-become-pass" in done.stderr


def test_drivers(call: CommandLine) -> None:
    rows = call.json("drivers")["drivers"]
    assert {"kind", "driver", "description"} == set(rows[0])
    assert ("service", "process") in {(row["kind"], row["driver"]) for row in rows}
    named = yaml.safe_load(call("drivers").stdout)
    assert named == sorted(row["driver"] for row in rows)


def test_playbooks(call: CommandLine) -> None:
    assert call("playbooks", "--path").stdout == f"{playbooks_dir()}\n"
    found = call.json("playbooks")
    assert [row["playbook"] for row in found["playbooks"]] == list(contracts())
    told = call("playbooks").stdout
    assert "start, terminate, restart, kill" in told
    assert call.runner.performed == []
