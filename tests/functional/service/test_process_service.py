"""Programs that no service manager knows: found by executable or command line, not taken for who looks at them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from support.packed_modules import answer_of
from support.processes import end, lives

pytestmark = pytest.mark.functional

SERVER = """
    #!{python}
    import subprocess, sys, time

    if len(sys.argv) == 1:
        subprocess.Popen([sys.executable, __file__, "child"])
    time.sleep(600)
"""


class Program:
    """A script with a child and a name that nobody else has."""

    def __init__(self, directory: Path) -> None:
        self.name = f"osf-{uuid.uuid4().hex[:8]}"
        self.path = directory / self.name
        self.path.write_text(dedent(SERVER.format(python=sys.executable)).lstrip())
        self.path.chmod(0o755)
        self.log = directory / f"{self.name}.log"
        self.log.touch()

    def spawn(self, *argv: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    program = Program(tmp_path)
    yield program
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        if str(program.path).encode() in entry.read_bytes():
            end(int(entry.parent.name))


@pytest.fixture
def bystanders(program: Program) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A pager of its log, an editor that has it open, and a shell that was given its name."""
    editor = program.path.parent / "vim"
    editor.write_text("#!/bin/sh\nwhile sleep 1; do :; done\n")
    editor.chmod(0o755)
    found = [
        program.spawn("tail", "-f", str(program.log)),
        program.spawn(str(editor), str(program.path)),
        program.spawn("sh", "-c", f"while sleep 1; do : {program.path}; done"),
    ]
    time.sleep(0.2)
    yield found
    for each in found:
        assert each.poll() is None, f"{each.args} was hit"
        each.kill()
        each.wait()


def definitions(program: Program) -> dict[str, dict[str, Any]]:
    return {
        "executable": {"executable": str(program.path), "start": [str(program.path)]},
        "grep": {"grep": rf"/{program.name}$", "start_cmd": f"{program.path} & sleep 0.1"},
        "commands": {
            "grep": rf"/{program.name}$",
            "start_cmd": f"exec {program.path}",
            "terminate_cmd": f"pkill -f '[p]ython[^ ]* /.*{program.name}'",
            "restart_cmd": f"pkill -f '[p]ython[^ ]* /.*{program.name}'; exec {program.path}",
        },
    }


@pytest.mark.parametrize("by", ["executable", "commands"])
@pytest.mark.usefixtures("bystanders")
def test_every_verb_hits_the_program_and_nobody_who_looks_at_it(play, program, by):
    inventory = {
        "os_faults_cloud": "",
        "os_faults_services": {program.name: {"driver": "process", **definitions(program)[by]}},
    }

    def state(verb: str):
        return play("service_state.yml", inventory=inventory, service=program.name, service_action=verb)

    def found() -> dict[str, Any]:
        (services,) = [play("discover_devstack.yml", inventory=inventory).result["services"]]
        return services

    assert found() == {}
    started = state("start").result
    assert started["changed"]
    main = started["pids_after"][0]
    assert len(started["pids_after"]) == 2, "the program and its child"
    restarted = state("restart").result
    assert not lives(main)
    assert restarted["pids_before"][0] == main
    assert not set(restarted["pids_before"]) & set(restarted["pids_after"])

    freeze = play("service_freeze.yml", inventory=inventory, service=program.name, service_action="freeze", seconds=30)
    assert not freeze.failures
    states = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] for pid in restarted["pids_after"]]
    assert set(states) == {"T"}
    play("service_freeze.yml", inventory=inventory, service=program.name, service_action="unfreeze")

    stopped = state("terminate").result
    assert stopped["pids_before"] == restarted["pids_after"]
    assert not any(lives(pid) for pid in stopped["pids_before"][:1])
    assert found() == {program.name: {"units": [program.name], "active": False}}, "it is to come back"

    healed = play("heal.yml", inventory=inventory, fault_ids=[f"terminate-{program.name}"])
    assert healed.result["undone"] == [f"terminate-{program.name}"]
    again = state("kill").result
    assert len(again["pids_before"]) == 2
    assert not any(lives(pid) for pid in again["pids_before"])


@pytest.mark.each_line
def test_what_was_started_by_somebody_else_meanwhile_is_not_started_twice(play, program):
    definition = {"driver": "process", **definitions(program)["grep"]}
    inventory = {"os_faults_cloud": "", "os_faults_services": {program.name: definition}}
    for verb in ("start", "terminate"):
        play("service_state.yml", inventory=inventory, service=program.name, service_action=verb)
    other = program.spawn(str(program.path))
    time.sleep(0.2)
    play("heal.yml", inventory=inventory, fault_ids=[f"terminate-{program.name}"])
    killed = play("service_state.yml", inventory=inventory, service=program.name, service_action="kill").result
    assert killed["pids_before"][0] == other.pid
    assert len(killed["pids_before"]) == 2
    other.wait()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Path]:
    """The path of a daemon that is called like a tool, for which nothing else of this machine is taken."""
    path = tmp_path / "rsync"
    shutil.copy(shutil.which("sleep") or "", path)
    yield path
    for pid in running(path):
        end(pid)


def running(path: Path) -> list[int]:
    """Return the processes whose executable this is."""
    return [int(entry.parent.name) for entry in Path("/proc").glob("[0-9]*/exe") if readlink(entry) == str(path)]


def readlink(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


@pytest.mark.case("f30")
@pytest.mark.usefixtures("runtime_directory")
@pytest.mark.parametrize("by", ["executable", "grep"])
def test_a_daemon_that_is_called_like_a_tool_is_found_where_it_is_named(daemon, by, tmp_path):
    other = tmp_path / "cat"
    shutil.copy(daemon, other)
    client = subprocess.Popen([other, "600"], start_new_session=True)
    handle = {"executable": str(daemon)} if by == "executable" else {"grep": f"^{daemon} 6"}
    asked = {"name": "rsyncd", "start": [str(daemon), "600"], "timeout": 10, **handle}
    try:
        assert answer_of("osf_process_service", action="start", **asked)["pids_after"] == running(daemon)
        (first,) = running(daemon)
        assert answer_of("osf_process_service", action="restart", **asked)["pids_before"] == [first]
        assert answer_of("osf_process_service", action="terminate", **asked)["changed"]
        assert running(daemon) == []
        assert answer_of("osf_heal", ids=["terminate-rsyncd"])["undone"] == ["terminate-rsyncd"]
        assert answer_of("osf_process_service", action="start", **asked)["pids_after"] == running(daemon)
        assert client.poll() is None
    finally:
        client.kill()
        client.wait()
