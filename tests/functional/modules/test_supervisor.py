"""A module that hangs is ended, with a sentence, and leaves no process behind; one that acts is not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.held_service import until
from support.packed_modules import PYTHON, hung_mount, needs_root, source_of, text_of

pytestmark = pytest.mark.functional

HANGS = """
import os
import subprocess
import time

from ansible.module_utils.os_faults.host import supervisor
from ansible.module_utils.os_faults.module import Module


def main():
    module = Module(argument_spec={"pids": {"type": "str"}, "acts": {"type": "bool"}})
    supervisor.doing("looking at the wall")
    if module.params["acts"]:
        supervisor.acting()
    child = subprocess.Popen(["sleep", "600"])
    with open(module.params["pids"] + ".new", "w") as file:
        file.write("%d %d" % (os.getpid(), child.pid))
    os.rename(module.params["pids"] + ".new", module.params["pids"])
    time.sleep(5 if module.params["acts"] else 600)
    child.kill()
    open(module.params["pids"] + ".done", "w").close()
    module.exit_json(changed=True)


supervisor.run(main, seconds=SECONDS)
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Running:
    """A module that hangs, or that acts for some seconds, with a process that it has started."""

    def __init__(self, directory: Path, seconds: float, acts: bool) -> None:
        self.file = directory / "pids"
        source = HANGS.replace("SECONDS", str(seconds))
        self.process = subprocess.Popen([PYTHON, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdin
        self.process.stdin.write(text_of("osf_hangs", {"pids": str(self.file), "acts": acts}, source))
        self.process.stdin.close()
        until(self.file.exists)
        self.pids = [int(pid) for pid in self.file.read_text().split()]

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout
        told: dict[str, Any] = json.loads(self.process.stdout.read())
        self.process.wait()
        return told

    def is_gone(self) -> bool:
        return not any(map(alive, self.pids))


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Any]:
    made = []

    def start(seconds: float = 60, acts: bool = False) -> Running:
        made.append(Running(tmp_path, seconds, acts))
        return made[-1]

    yield start
    for running in made:
        for pid in (running.process.pid, *running.pids):
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
        if running.process.stdout:
            running.process.stdout.close()
        running.process.wait()


def test_what_hangs_is_ended_and_named(started):
    running = started(seconds=2)
    assert running.answer() == {
        "failed": True,
        "msg": "nothing was done: after 2 s this host was still looking at the wall; "
        "see whether a mount or a process hangs there",
    }
    assert running.process.returncode == 1
    until(running.is_gone)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_it_ends_with_the_process_that_was_asked_for_the_answer(started, number):
    running = started()
    os.kill(running.process.pid, number)
    until(running.is_gone)


def test_it_ends_when_nobody_reads_its_answer_any_more(started):
    running = started()
    running.process.stdout.close()
    until(running.is_gone)
    assert running.process.wait(10) == 1


@pytest.mark.parametrize("by", ["its time", "a signal", "a kill", "the end of the connection"])
def test_what_acts_goes_on_to_its_end(started, by):
    running = started(seconds=1, acts=True)
    if by == "a signal":
        os.kill(running.process.pid, signal.SIGTERM)
    elif by == "a kill":
        os.kill(running.process.pid, signal.SIGKILL)
    elif by == "the end of the connection":
        running.process.stdout.close()
    until(Path(f"{running.file}.done").exists, 15)
    if by == "its time":
        assert running.answer() == {"changed": True}


BREAKS = """
from ansible.module_utils.os_faults.host import supervisor


def main():
    1 / 0


supervisor.run(main)
"""


def test_what_goes_wrong_in_the_child_is_told_with_its_place():
    done = subprocess.run([PYTHON, "-"], input=text_of("osf_breaks", {}, BREAKS), capture_output=True, text=True)
    told = json.loads(done.stdout)
    assert (told["failed"], told["msg"]) == (True, "ZeroDivisionError: division by zero (osf_breaks, line 6)")


@needs_root
def test_a_pid_file_on_a_mount_that_hangs_names_its_service(tmp_path):
    services = {"web": {"driver": "process", "pidfile": str(tmp_path / "gone" / "web.pid"), "start": ["/bin/sleep"]}}
    source = source_of("osf_node_info")
    program = text_of("osf_node_info", {"services": services}, source.replace(".run(main)", ".run(main, 5)"))
    mark = uuid.uuid4().hex
    with hung_mount(tmp_path / "gone"):
        begin = time.monotonic()
        done = subprocess.run(
            [PYTHON, "-"], input=program, capture_output=True, text=True, timeout=60, check=False, env={"MARK": mark}
        )
        assert time.monotonic() - begin < 20
        assert "after 5 s this host was still looking for service 'web'" in json.loads(done.stdout)["msg"]
        until(lambda: with_mark(mark) == [])


def with_mark(mark: str) -> list[str]:
    """Return the processes that have a variable of this value in their environment."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in environ.read_text(errors="replace"):
                found.append(environ.parent.name)
        except OSError:
            continue
    return found
