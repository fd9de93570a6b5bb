"""service_state.yml on real processes: every verb's effect, and what it leaves alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from support.processes import end, lives

pytestmark = pytest.mark.functional

SERVER = """
    import os, signal, subprocess, sys, time

    mode = sys.argv[1]
    if mode == "background" and os.fork():
        os._exit(0)
    if mode == "dies":
        sys.exit("cannot open the database")
    if mode == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    open("child", "w").write(str(child.pid))
    if mode in ("background", "own-pidfile"):
        open("web.pid", "w").write(str(os.getpid()))
    time.sleep(600)
"""


class Server:
    """A program with a child, as a service with a pid file."""

    def __init__(self, directory: Path) -> None:
        self.name = f"web-{uuid.uuid4().hex[:8]}"
        self.directory = directory
        self.pidfile = directory / "web.pid"
        self.program = directory / "server.py"
        self.program.write_text(dedent(SERVER))

    def inventory(self, mode: str = "plain") -> dict[str, object]:
        start = [sys.executable, str(self.program), mode]
        entry = {"driver": "process", "pidfile": str(self.pidfile), "start": start, "aliases": [f"{self.name}-alias"]}
        return {"os_faults_services": {self.name: entry}}

    @property
    def pid(self) -> int:
        return int(self.pidfile.read_text())

    @property
    def child(self) -> int:
        for _ in range(100):
            text = (self.directory / "child").read_text() if (self.directory / "child").exists() else ""
            if text:
                return int(text)
            time.sleep(0.05)
        raise AssertionError("the server has no child")

    @property
    def record(self) -> Path:
        """Where the host keeps that the service was terminated."""
        if os.geteuid() == 0:
            return Path("/run/os-faults") / f"terminate-{self.name}"
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        root = Path(runtime) / "os-faults" if runtime else Path(f"/tmp/os-faults-{os.geteuid()}")
        return root / f"terminate-{self.name}"


@pytest.fixture
def server(tmp_path: Path, play) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    for file in (server.pidfile, tmp_path / "child"):
        if file.exists() and lives(int(file.read_text() or 0)):
            end(int(file.read_text()))
    if server.record.exists():
        play("heal.yml", fault_ids=[server.record.name])
        end(server.pid)
        end(server.child)


@pytest.fixture
def state(play, server: Server):
    """Do a verb to the service."""

    def do(verb: str, mode: str = "plain", **more):
        service = more.pop("service", server.name)
        return play("service_state.yml", inventory=server.inventory(mode), service=service, service_action=verb, **more)

    return do


@pytest.mark.parametrize("mode", ["plain", "own-pidfile", "background"])
def test_start_runs_the_program_and_leaves_a_running_one_alone(state, server, mode):
    first = state("start", mode)
    assert first.result["changed"]
    assert first.result["state"] == "active"
    assert first.result["pids_before"] == []
    assert lives(server.pid)
    assert {server.pid, server.child} <= set(first.result["pids_after"]) | {server.child}
    pid = server.pid

    second = state("start", mode)
    assert not second.result["changed"]
    assert second.result["pids_before"] == second.result["pids_after"] == sorted({pid, server.child})
    assert server.pid == pid


def test_a_program_that_dies_is_a_failure_in_its_own_words(state, server):
    failed = state("start", "dies")
    message = f"service '{server.name}' did not start: exit code 1; its log ends: cannot open the database"
    assert failed.failures == {"here": message}
    assert not server.pidfile.exists()


def test_a_program_that_is_not_there_is_a_failure(play, server):
    entry = {"driver": "process", "pidfile": str(server.pidfile), "start": ["/no/such/program"]}
    failed = play(
        "service_state.yml",
        inventory={"os_faults_services": {server.name: entry}},
        service=server.name,
        service_action="start",
    )
    assert failed.failures["here"].startswith(f"service '{server.name}' can't be started: ")


def test_terminate_stops_the_whole_tree_and_start_closes_its_record(state, server):
    state("start")
    pid, child = server.pid, server.child

    done = state("terminate")
    assert done.result["changed"]
    assert done.result["state"] == "inactive"
    assert not lives(pid)
    assert not lives(child)
    assert not server.pidfile.exists()
    assert server.record.is_dir()

    again = state("terminate")
    assert not again.result["changed"]

    state("start")
    assert lives(server.pid)
    assert not server.record.exists()


def test_terminate_of_a_stopped_service_leaves_no_record(state, server):
    assert not state("terminate").result["changed"]
    assert not server.record.exists()


def test_heal_starts_a_terminated_service_again(state, play, server):
    state("start")
    before = server.pid
    state("terminate")
    healed = play("heal.yml", fault_ids=[f"terminate-{server.name}"])
    assert healed.rc == 0, healed.stdout
    assert healed.result["undone"] == [f"terminate-{server.name}"]
    assert server.pid != before
    assert lives(server.pid)
    assert not server.record.exists()
    assert state("start").result["pids_before"], "the module does not know the process that heal has started"


def test_terminate_that_is_not_heard_is_a_failure_and_kills_nobody(state, server):
    state("start", "deaf")
    pids = sorted([server.pid, server.child])  # the child inherits the deafness
    failed = state("terminate", "deaf", service_timeout=1)
    left = ", ".join(map(str, pids))
    assert failed.failures == {
        "here": f"service '{server.name}' got SIGTERM, but after 1 s these processes are still there: {left}"
    }
    assert all(lives(pid) for pid in pids)


def test_restart_replaces_the_processes(state, server):
    state("start")
    before = {server.pid, server.child}
    done = state("restart")
    assert done.result["changed"]
    assert set(done.result["pids_before"]) == before
    assert not any(lives(pid) for pid in before)
    assert lives(server.pid)
    assert server.pid in done.result["pids_after"]


def test_kill_ends_even_the_deaf_and_their_children(state, server):
    state("start", "deaf")
    pid, child = server.pid, server.child
    done = state("kill", "deaf")
    assert done.result["changed"]
    assert done.result["pids_before"] == sorted([pid, child])
    assert done.result["pids_after"] == []
    assert done.result["notes"] == ["nothing starts it again"]
    assert not lives(pid)
    assert not lives(child)
    assert not server.record.exists()


@pytest.mark.case("D09")
def test_kill_of_what_does_not_run_is_a_failure(state, server):
    failed = state("kill")
    assert failed.failures["here"].startswith(f"nothing to kill: service '{server.name}' has no process on this host")


def test_a_process_with_the_same_command_line_is_left_alone(state, server, tmp_path):
    (tmp_path / "twin").mkdir()
    twin = subprocess.Popen([sys.executable, str(server.program), "plain"], cwd=tmp_path / "twin")
    try:
        state("start")
        state("kill")
        assert twin.poll() is None
        assert lives(int((tmp_path / "twin" / "child").read_text()))
    finally:
        os.kill(int((tmp_path / "twin" / "child").read_text()), signal.SIGKILL)
        twin.kill()
        twin.wait()


@pytest.mark.parametrize("verb", ["terminate", "kill", "restart"])
def test_the_process_of_a_stale_pid_file_is_left_alone(state, server, verb):
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        server.pidfile.write_text(str(stranger.pid))
        os.utime(server.pidfile, (time.time() - 3600,) * 2)
        done = state(verb)
        assert (done.rc == 0) == (verb != "kill")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("verb", ["terminate", "kill", "restart", "start"])
def test_check_mode_tells_and_does_nothing(state, server, verb):
    if verb != "start":
        state("start")
        before = (server.pid, server.child)
    told = state(verb, check=True)
    assert told.rc == 0
    assert told.result["changed"]
    assert told.result["notes"][0].startswith("would ")
    assert told.result["pids_before"] == told.result["pids_after"]
    assert not server.record.exists()
    if verb == "start":
        assert not server.pidfile.exists()
    else:
        assert (server.pid, server.child) == before
        assert all(lives(pid) for pid in before)


def test_a_service_is_found_by_its_alias(state, server):
    assert state("start", service=f"{server.name}-alias").result["changed"]
    assert lives(server.pid)


def test_an_unknown_service_is_refused_once_and_without_a_connection(play, server):
    nowhere = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    refused = play(
        "service_state.yml",
        hosts={"one": nowhere, "two": nowhere},
        inventory=server.inventory(),
        service="keystne",
        service_action="restart",
    )
    assert refused.rc == 2
    assert list(refused.failures) == ["one"]
    assert refused.failures["one"].startswith("service 'keystne' is not known; known: cinder-api, ")
    assert server.name in refused.failures["one"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"service_action": "restart"}, "missing required arguments: service"),
        (
            {"service": "keystone", "service_action": "stop"},
            "value of service_action must be one of: start, terminate, restart, kill, got: stop",
        ),
        (
            {"service": "keystone", "service_action": "start", "service_timeout": "soon"},
            "value of service_timeout must be a duration such as 30, 30s, 2min or 1h30m",
        ),
    ],
)
def test_bad_arguments_are_refused_in_the_words_of_ansible(play, arguments, words):
    refused = play("service_state.yml", **arguments)
    assert words in refused.failures["here"]
    assert refused.results() == {}


def test_every_host_answers_for_itself(play, tmp_path):
    servers = {}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        servers[name] = Server(tmp_path / name)
        servers[name].name = f"web-{tmp_path.name}"
    hosts = {name: each.inventory() for name, each in servers.items()}
    done = play("service_state.yml", hosts=hosts, service=f"web-{tmp_path.name}", service_action="start")
    try:
        assert {name: result["state"] for name, result in done.results().items()} == {"one": "active", "two": "active"}
        assert servers["one"].pid != servers["two"].pid
    finally:
        play("service_state.yml", hosts=hosts, service=f"web-{tmp_path.name}", service_action="kill")
    assert not any(lives(each.pid) for each in servers.values())
