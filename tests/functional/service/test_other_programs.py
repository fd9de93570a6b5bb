"""Programs of other users that look like a service which is found by executable or grep."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.held_service import until
from support.packed_modules import MALLORY, answer_of, needs_root
from support.processes import end

pytestmark = [pytest.mark.functional, needs_root, pytest.mark.usefixtures("runtime_directory")]

OTHER = 64244


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Path]:
    """A program of root's, which everybody can run."""
    for directory in (tmp_path, *tmp_path.parents):
        if directory.stat().st_mode & 0o001 == 0:
            directory.chmod(directory.stat().st_mode | 0o011)
    path = tmp_path / f"web-{uuid.uuid4().hex[:8]}"
    path.write_text("#!/bin/sh\nwhile :; do sleep 1; done\n")
    path.chmod(0o755)
    yield path
    for pid in running(path):
        end(pid)


@pytest.fixture
def run(program: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Run the program as a user."""
    started: list[subprocess.Popen[bytes]] = []

    def do(user: int = 0, *argv: str) -> subprocess.Popen[bytes]:
        as_user: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user else {}
        started.append(subprocess.Popen(argv or [str(program)], start_new_session=True, **as_user))
        until(lambda: started[-1].pid in running(program))
        return started[-1]

    yield do
    for process in started:
        process.kill()
        process.wait()


def running(program: Path) -> dict[int, int]:
    """Pid -> user of what runs the program, or looks like it."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(program).encode() in (entry / "cmdline").read_bytes():
                found[int(entry.name)] = int((entry / "status").read_text().partition("\nUid:\t")[2].split()[0])
        except OSError:
            continue
    return found


BY: dict[str, Callable[[Path], dict[str, str]]] = {
    "executable": lambda program: {"executable": str(program)},
    "grep": lambda program: {"grep": program.name},
}


@pytest.fixture(params=BY)
def act(request: pytest.FixtureRequest, program: Path) -> Callable[..., dict[str, Any]]:
    """Act on the service that the program is."""

    def do(action: str) -> dict[str, Any]:
        asked: dict[str, Any] = {"name": program.name, "start": [str(program)], "timeout": 10, **handle}
        return answer_of("osf_process_service", action=action, **asked)

    handle = BY[request.param](program)
    return do


@pytest.mark.parametrize("service", [0, OTHER])
@pytest.mark.parametrize("action", ["restart", "terminate", "kill", "start"])
def test_nothing_is_done_to_one_of_several_that_look_alike(service, action, act, program, run):
    """Mallory's is the older one, and the service does not come back as his."""
    decoy = run(MALLORY, "/bin/sh", str(program))
    real = run(service)
    assert act(action)["msg"] == (
        "programs of several users look like it: "
        + ", ".join(
            f"process {pid} of {'user ' + str(user) if user else 'root'}"
            for user, pid in sorted([(MALLORY, decoy.pid), (service, real.pid)])
        )
        + "; give it a pidfile where only root can write, or an executable or grep that only its own processes match, "
        "or end the others"
    )
    assert (decoy.poll(), real.poll()) == (None, None)
    assert set(running(program).values()) == {MALLORY, service}


def test_a_freeze_and_the_discovery_tell_so_too(program, run, play):
    run(MALLORY, "/bin/sh", str(program))
    run()
    definition = {"driver": "process", **BY["executable"](program)}
    inventory = {"os_faults_services": {program.name: definition}}
    frozen = play("service_freeze.yml", inventory=inventory, service=program.name, service_action="freeze", seconds=60)
    assert [why.partition(":")[0] for why in frozen.failures.values()] == ["programs of several users look like it"]
    answer = answer_of("osf_node_info", services={program.name: definition}, patience=20)
    assert answer["services"][program.name]["active"] is False
    assert answer["notes"][-1].startswith(f"service '{program.name}': programs of several users look like it")


def test_what_a_service_has_started_as_somebody_else_belongs_to_it(act, program, run, tmp_path):
    """Such as the workers of a web server, whose first process is root's."""
    worker = tmp_path / "worker"
    worker.write_text(
        f"#!/bin/sh\nsetpriv --reuid {MALLORY} --regid {MALLORY} --clear-groups /bin/sh {program} &\nexec {program}\n"
    )
    worker.chmod(0o755)
    main = run(0, str(worker))
    until(lambda: set(running(program).values()) == {0, MALLORY})
    assert act("restart")["changed"]
    main.wait(10)
    assert set(running(program).values()) == {0}


def test_a_tool_that_mentions_the_service_is_spared_also_where_the_directory_has_the_name_of_the_tool(
    program, run, tmp_path
):
    """Such as ``tail`` in a directory ``tail``; on the controller a module runs in the directory of the run."""
    directory = tmp_path / "tail"
    directory.mkdir()
    log = tmp_path / f"{program.name}.log"
    log.touch()
    real, tool = run(), run(0, "tail", "-f", str(log))
    asked = {"name": program.name, "grep": program.name, "action": "kill", "timeout": 10}
    killed = answer_of("osf_process_service", cwd=str(directory), **asked)
    assert real.pid in killed["pids_before"]
    real.wait(10)
    assert tool.poll() is None


@pytest.mark.parametrize("way", ["heal", "start"])
@pytest.mark.parametrize("service", [0, OTHER])
def test_a_service_that_was_terminated_comes_back_whoever_runs_what_looks_like_it(service, way, act, program, run):
    real = run(service)
    assert act("terminate")["changed"]
    real.wait(10)
    decoy = run(MALLORY, "/bin/sh", str(program))
    seen = answer_of("osf_node_info", services={program.name: {"driver": "process", "executable": str(program)}})
    assert seen["services"][program.name]["active"] is False
    if way == "start":
        assert act("start")["changed"]
    else:
        assert answer_of("osf_heal", ids=[f"terminate-{program.name}"])["undone"] == [f"terminate-{program.name}"]
    assert set(running(program).values()) == {service, MALLORY}
    assert decoy.poll() is None
