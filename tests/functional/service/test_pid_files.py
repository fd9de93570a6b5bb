"""Pid files in the hands of another user: root's verbs give him no power that he does not have, and nothing hangs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.held_service import state, until
from support.packed_modules import MALLORY, needs_root
from support.pid_files import act, found, write

pytestmark = [pytest.mark.functional, needs_root, pytest.mark.usefixtures("runtime_directory")]

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a process that does nothing, of root or of another user; it is gone afterwards."""
    started: list[subprocess.Popen[bytes]] = []

    def do(user: int = 0) -> subprocess.Popen[bytes]:
        as_user: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user else {}
        started.append(subprocess.Popen(["/bin/sleep", "600"], start_new_session=True, **as_user))
        return started[-1]

    yield do
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("action", ["kill", "terminate", "restart"])
def test_the_file_of_a_user_names_no_process_of_root(action, place, start):
    victim = start()
    write(place / "web.pid", victim.pid)
    answer = act(action, place / "web.pid")
    assert answer["failed"]
    assert answer["msg"] == (
        f"the pid file {place}/web.pid names process {victim.pid} of root, but user {MALLORY} can change the file, so "
        f"it may only name processes of user {MALLORY}; keep it where only root can write, or find the service by its "
        "executable or grep"
    )
    assert victim.poll() is None
    assert not found(place / "web.pid")["active"]
    assert "names process" in found(place / "web.pid")["notes"][-1]


def test_it_names_his_own(place, start):
    own = start(MALLORY)
    write(place / "web.pid", own.pid)
    assert found(place / "web.pid")["active"]
    assert act("kill", place / "web.pid")["changed"]
    assert own.wait(5) == -signal.SIGKILL


#: A session of mallory with a process of root in it.
MIXED = f"sleep 600 & echo $! >child; exec setpriv --reuid {MALLORY} --regid {MALLORY} --clear-groups sleep 601"


@pytest.fixture
def mixed(place: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    leader = subprocess.Popen(["sh", "-c", MIXED], cwd=tmp_path, start_new_session=True)
    until(lambda: Path(f"/proc/{leader.pid}/comm").read_text() == "sleep\n")
    child = int((tmp_path / "child").read_text())
    write(place / "web.pid", leader.pid)
    yield leader, child
    for pid in (leader.pid, child):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    leader.wait()


def test_what_root_runs_in_his_session_is_not_killed(place, mixed):
    leader, child = mixed
    assert act("kill", place / "web.pid")["pids_before"] == [leader.pid]
    assert leader.wait(5) == -signal.SIGKILL
    assert state(child) == "S"


def test_what_root_runs_in_his_session_is_not_frozen(place, mixed, play):
    leader, child = mixed
    name = f"web-{uuid.uuid4().hex[:8]}"
    inventory = {"os_faults_services": {name: {"driver": "process", "pidfile": str(place / "web.pid")}}}
    assert play("service_freeze.yml", inventory=inventory, service=name, service_action="freeze", seconds=60).rc == 0
    try:
        assert (state(leader.pid), state(child)) == ("T", "S")
    finally:
        play("heal.yml", fault_ids=[f"freeze-{name}"])
    assert state(leader.pid) == "S"


def test_a_file_of_root_in_his_directory_names_no_process_of_root(place, start):
    """He may have renamed or linked one that root has written elsewhere."""
    victim = start()
    write(place / "web.pid", victim.pid, owner=0)
    assert "can change the file" in act("kill", place / "web.pid")["msg"]
    assert victim.poll() is None


def test_a_second_name_of_a_file_of_root_is_refused_where_anybody_can_make_one(tmp_path, start):
    victim = start()
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    write(tmp_path / "root.pid", victim.pid, owner=0)
    os.link(tmp_path / "root.pid", shared / "web.pid")
    assert "has another name" in act("kill", shared / "web.pid")["msg"]
    assert victim.poll() is None


def test_a_directory_that_he_leads_elsewhere_is_his(tmp_path, place, start):
    victim = start()
    write(tmp_path / "web.pid", victim.pid, owner=0)
    (place / "run").symlink_to(tmp_path)
    os.lchown(place / "run", MALLORY, MALLORY)
    assert "can change the file" in act("kill", place / "run" / "web.pid")["msg"]
    assert victim.poll() is None


def fifo(path: Path) -> None:
    os.mkfifo(path)


def link(path: Path) -> None:
    path.symlink_to("/run/sshd.pid")


def device(path: Path) -> None:
    os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # endless zeros


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path.relative_to(Path.cwd())))


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


NOT_REGULAR: dict[str, Callable[[Path], None]] = {
    "a FIFO": fifo,
    "a symbolic link": link,
    "a directory": Path.mkdir,
    "a device": device,
    "a socket": unix_socket,
}
NO_PID: dict[str, Callable[[Path], None]] = {
    "huge": huge,
    "empty": Path.touch,
    "binary": lambda path: path.write_bytes(b"\xff\x00\x1b[31m") and None,
    "negative": lambda path: path.write_text("-1") and None,
    "init": lambda path: path.write_text("1") and None,
    "beyond all": lambda path: path.write_text("9" * 60) and None,
}


@pytest.mark.parametrize("kind", NOT_REGULAR)
def test_what_is_no_regular_file_is_told_and_hangs_nothing(kind, place, monkeypatch):
    monkeypatch.chdir(place)
    NOT_REGULAR[kind](place / "web.pid")
    sentence = f"the pid file {place}/web.pid is {kind}; remove it"
    assert found(place / "web.pid") == {
        "active": False,
        "notes": [*found(place / "no.pid")["notes"], f"service 'web': {sentence}"],
    }
    for action in ("start", "kill", "terminate", "restart"):
        assert act(action, place / "web.pid", timeout=5)["msg"] == sentence


@pytest.mark.parametrize("kind", NO_PID)
def test_what_holds_no_pid_is_a_service_that_is_down(kind, place):
    NO_PID[kind](place / "web.pid")
    assert found(place / "web.pid") == found(place / "no.pid")
    assert "nothing to kill" in act("kill", place / "web.pid")["msg"]
