"""The command line on the hosts: what it does there, what it prints, and how it ends."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from hostlab.command import BIN, Shell
from hostlab.observer import Host
from hostlab.subject import keystone, memcached
from hostlab.waiting import wait_for


@pytest.fixture
def shell(config: dict[str, Any], tmp_path: Path) -> Shell:
    (tmp_path / "os-faults.json").write_text(json.dumps(config), encoding="utf-8")
    return Shell(tmp_path)


def test_verify(shell: Shell, every_node: list[Host]) -> None:
    done = shell.os_faults("verify")
    assert done.status == 0, done.err
    assert all(host.fqdn in done.out for host in every_node)


def test_nodes(shell: Shell, every_node: list[Host]) -> None:
    done = shell.os_faults("nodes", "--output", "json")
    assert done.status == 0, done.err
    rows = {row["fqdn"]: row for row in done.json["nodes"]}
    assert list(rows) == [host.fqdn for host in every_node]
    assert rows["node-3.domain.tld"]["mac"] == every_node[2].sh("cat /sys/class/net/host0/address")


def test_services(shell: Shell) -> None:
    done = shell.os_faults("services", "--output", "json")
    assert done.status == 0, done.err
    rows = {row["service"]: row["nodes"] for row in done.json["services"]}
    assert rows["mysql"] == ["node-1.domain.tld", "node-2.domain.tld"]
    assert rows["keystone"] == ["node-1.domain.tld"]


def test_inject_on_one(shell: Shell, every_node: list[Host]) -> None:
    before = {host.name: memcached(host).processes() for host in every_node}
    done = shell.os_faults("inject", "restart", "memcached", "--on", "one", "--seed", "3")
    assert done.status == 0, done.err
    assert len([host for host in every_node if memcached(host).processes() != before[host.name]]) == 1


def test_faults_and_heal(shell: Shell, node_2: Host, node_3: Host) -> None:
    subjects = [memcached(node_2), memcached(node_3)]
    on = f"{node_2.fqdn},{node_3.fqdn}"
    with node_2.undone(), node_3.undone():
        done = shell.os_faults("inject", "freeze", "memcached", "--on", on, "--seconds", "90", "--output", "json")
        assert done.status == 0, done.err
        assert all(subject.frozen() for subject in subjects)
        listed = shell.os_faults("faults", "--output", "json")
        assert listed.status == 0
        rows = {row["node"]: row for row in listed.json["faults"]}
        assert set(rows) == {node_2.fqdn, node_3.fqdn}
        assert all((row["fault"], row["subject"]) == ("freeze", "memcached") for row in rows.values())
        assert all(60 < row["until"] - time.time() < 90 for row in rows.values())
        healed = shell.os_faults("heal")
        assert healed.status == 0, healed.err
        assert all(subject.answers() for subject in subjects)
        assert shell.os_faults("faults", "--output", "json").json["faults"] == []


def test_dry_run(shell: Shell, node_3: Host) -> None:
    subject = memcached(node_3)
    with node_3.undone():
        done = shell.os_faults("inject", "freeze", "memcached", "--on", node_3.fqdn, "--dry-run")
        assert done.status == 0, done.err
        assert subject.answers()
        assert "T" not in subject.states()
        (line,) = (line for line in done.out.splitlines() if "ansible-playbook" in line)

        pasted = shell.run("sh", "-c", line.removeprefix("$ "))
        assert pasted.status == 0, pasted.out + pasted.err
        assert subject.frozen()
        assert shlex.split(line)[-1].endswith("service_freeze.yml")

        assert shell.os_faults("heal", "--dry-run").status == 0
        assert subject.frozen(), "a dry run of heal healed"
        assert shell.os_faults("heal").status == 0
        assert subject.answers()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["inject", "restart", "keystne"], 2, "keystone"),
        (["inject", "restrat", "keystone"], 2, "restart"),
        (["inject", "restart", "memcached", "--on", "node-9"], 2, "node-3.domain.tld"),
        (["inject", "stress", "gpu"], 2, "cpu"),
        (["inject", "disable_network", "managment"], 2, "management"),
        (["inject", "unplug", "placement-api"], 1, "unix socket"),
    ],
)
def test_what_goes_wrong_is_one_line_and_the_place_of_its_run(
    shell: Shell, node_1: Host, words: list[str], status: int, said: str
) -> None:
    old = keystone(node_1).processes()
    done = shell.os_faults(*words)
    assert done.status == status, done.err
    reason, *run = done.err.strip().splitlines()
    assert said in reason
    assert [line.startswith("os-faults: all of the run is in ") for line in run] == [True] * (status == 1), done.err
    assert keystone(node_1).processes() == old


def test_no_node_can_be_reached(shell: Shell, config: dict[str, Any]) -> None:
    config["cloud_management"] |= {"address": "10.77.0.99"}
    del config["cloud_management"]["nodes"]
    config["ssh"]["connect_timeout"] = 1
    (shell.directory / "os-faults.json").write_text(json.dumps(config), encoding="utf-8")
    done = shell.os_faults("verify")
    assert done.status == 3
    assert "10.77.0.99" in done.err


def test_some_nodes_only(shell: Shell, config: dict[str, Any]) -> None:
    config["cloud_management"]["nodes"].append("10.77.0.99")
    config["ssh"]["connect_timeout"] = 1
    (shell.directory / "os-faults.json").write_text(json.dumps(config), encoding="utf-8")
    done = shell.os_faults("nodes")
    assert done.status == 4
    assert "10.77.0.99" in done.err
    assert "node-3.domain.tld" in done.out


def test_an_undo_that_fails(shell: Shell, cloud: Any, node_3: Host) -> None:
    needed = "/run/undo-needs-this"
    hold = {"fault": "stay", "subject": "here", "seconds": "60", "inject": [["true"]], "undo": [["rm", needed]]}
    with node_3.undone():
        cloud.get_nodes(fqdns=[node_3.fqdn]).run_task({"osf_hold": hold})
        done = shell.os_faults("heal")
        assert done.status == 5, done.err
        assert "stay-here" in done.err
        node_3.sh(f"touch {needed}")
        assert shell.os_faults("heal").status == 0


def test_interrupted(shell: Shell, node_3: Host) -> None:
    boot = node_3.boot_id()
    with node_3.undone(within=30):
        process = subprocess.Popen(
            [BIN / "os-faults", "inject", "reboot", "--on", node_3.fqdn],
            cwd=shell.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for(lambda: not node_3.answers_ssh(), "the host goes down", 30, pause=0.02)
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=20)
        assert process.returncode == 130
        assert "Traceback" not in err
        assert len(err.strip().splitlines()) == 1, err
        node_3.await_boot(boot)
        wait_for(memcached(node_3).answers, "memcached is back", 30)
