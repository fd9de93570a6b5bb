"""Pid files in the hands of another user: root's verbs give him no power that he does not have, and nothing hangs."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.held_service import state, until
from support.other_user import private_mounts
from support.packed_modules import MALLORY, PYTHON, answer_of, needs_root, text_of

pytestmark = [pytest.mark.functional, needs_root, pytest.mark.usefixtures("runtime_directory")]

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The directory of a service, which mallory owns."""
    for directory in (tmp_path, *tmp_path.parents):
        if directory.stat().st_mode & 0o001 == 0:
            directory.chmod(directory.stat().st_mode | 0o011)  # he gets there, and sees nothing else
    made = tmp_path / "service"
    made.mkdir()
    os.chown(made, MALLORY, MALLORY)
    return made


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


def write(path: Path, pid: int, owner: int = MALLORY) -> None:
    path.write_text(f"{pid}\n")
    os.chown(path, owner, owner)


def act(action: str, pidfile: Path, **more: Any) -> dict[str, Any]:
    arguments: Mapping[str, Any] = {
        "name": f"web-{uuid.uuid4().hex[:8]}",
        "start": ["/bin/sleep", "600"],
        "timeout": 10,
    }
    return answer_of("osf_process_service", action=action, pidfile=str(pidfile), **{**arguments, **more})


def found(pidfile: Path) -> dict[str, Any]:
    """What discovery says of a service with this pid file."""
    service = {"driver": "process", "pidfile": str(pidfile), "start": ["/bin/sleep"]}
    answer = answer_of("osf_node_info", services={"web": service}, patience=20)
    return {"active": answer["services"]["web"]["active"], "notes": answer["notes"]}


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


# ---- what is written -------------------------------------------------------------------------------------------------


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A file of root's that nobody else can read."""
    path = tmp_path / "precious"
    path.write_text("secret\n")
    path.chmod(0o600)
    return path


def test_a_pid_file_is_written_in_place_of_a_link(tmp_path, precious):
    """The link is there when the module writes, as the program has made it itself."""
    script = tmp_path / "server"
    script.write_text(f"#!/bin/sh\nln -s {precious} web.pid\nexec sleep 600\n")
    script.chmod(0o755)
    (tmp_path / "web.pid").symlink_to(tmp_path / "nowhere")
    answer = act("start", tmp_path / "web.pid", start=[str(script)])
    # A link is no pid file, so the start fails in a sentence; what matters is that nothing was written through it.
    assert precious.read_text() == "secret\n"
    assert answer["msg"].endswith("/web.pid is a symbolic link; remove it")


def test_nothing_is_written_where_another_user_can_exchange_it(place, precious):
    (place / "web.log").symlink_to(precious)
    answer = act("start", place / "web.pid")
    assert answer["failed"]
    assert "others could exchange one that os_faults writes there" in answer["msg"]
    assert sorted(path.name for path in place.iterdir()) == ["web.log"]
    assert precious.read_text() == "secret\n"


GROUP = 64243
NOBODY = 2**32 - 1
ENTRIES = ((1, 7, NOBODY), (2, 7, MALLORY), (4, 7, NOBODY), (16, 7, NOBODY), (32, 5, NOBODY))
#: The access control list of a directory: mallory may do all, and so may its owner and the members of its group.
ACL = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in ENTRIES)


def by_group(directory: Path) -> None:
    """As many packages have it: root:app 0775."""
    os.chown(directory, 0, GROUP)
    directory.chmod(0o775)


def by_list(directory: Path) -> None:
    os.setxattr(directory, "system.posix_acl_access", ACL)


SHARED: dict[str, Callable[[Path], None]] = {
    "a group": by_group,
    "a list": by_list,
    "everybody": lambda directory: directory.chmod(0o777),
}


@pytest.fixture(params=SHARED)
def shared(request: pytest.FixtureRequest, place: Path) -> Path:
    """The directory of a service, which root owns and others may write to."""
    os.chown(place, 0, 0)
    try:
        SHARED[request.param](place)
    except OSError:
        pytest.skip("this file system has no access control lists")
    return place


#: Puts a link to a file in the place of whatever os_faults makes in a directory, and of the log, again and again.
RACER = """
import os, sys
directory, precious = sys.argv[1:]
os.chdir(directory)
print("ready", flush=True)
while True:
    for name in [*(name for name in os.listdir() if name.startswith(".osf-")), "web.log"]:
        try:
            os.symlink(precious, "link")
            os.rename("link", name)
        except OSError:
            pass
"""


@pytest.fixture
def racer(shared: Path, precious: Path) -> Iterator[None]:
    argv = [PYTHON, "-c", RACER, str(shared), str(precious)]
    with subprocess.Popen(argv, user=MALLORY, group=MALLORY, extra_groups=[GROUP], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield
        process.kill()


@pytest.mark.usefixtures("racer")
def test_nothing_is_written_where_others_than_root_may_write(shared, precious):
    answer = act("start", shared / "web.pid", start=["/bin/sh", "-c", "echo written; exec sleep 600"])
    assert answer["msg"].endswith("keep it in a directory that only root can write to")
    assert {path.name for path in shared.iterdir()} <= {"web.log", "link"}, "what the other user has made"
    assert (precious.read_text(), precious.stat().st_mode & 0o777) == ("secret\n", 0o600)


#: A program that writes its own pid file, as it must there.
WRITES = "echo written; echo $$ >PLACE/.mine; mv -fT PLACE/.mine PLACE/web.pid; exec sleep 600"


@pytest.mark.usefixtures("racer")
def test_healing_writes_nothing_where_others_than_root_may_write(shared, precious):
    name, pidfile = f"web-{uuid.uuid4().hex[:8]}", shared / "web.pid"
    start = ["/bin/sh", "-c", WRITES.replace("PLACE", str(shared))]
    try:
        assert act("start", pidfile, name=name, start=start)["changed"]
        assert act("terminate", pidfile, name=name, start=start)["changed"]
        assert answer_of("osf_heal", ids=[f"terminate-{name}"])["undone"] == [f"terminate-{name}"]
        assert found(pidfile)["active"], found(pidfile)
        assert (precious.read_text(), precious.stat().st_mode & 0o777) == ("secret\n", 0o600)
    finally:
        Path(f"/var/log/os-faults-{name}.log").unlink(missing_ok=True)
        assert act("kill", pidfile)["changed"]


def test_the_script_that_starts_writes_to_no_file_that_another_takes_the_place_of(tmp_path, precious):
    """The rights of the directory have changed since the script was made: it looks at what it has opened."""
    name, pidfile = f"web-{uuid.uuid4().hex[:8]}", tmp_path / "web.pid"
    start = ["/bin/sh", "-c", "echo written; exec sleep 600"]
    assert act("start", pidfile, name=name, start=start)["changed"]
    assert act("terminate", pidfile, name=name, start=start)["changed"]
    (tmp_path / "link").symlink_to(precious)
    swaps = "import ctypes, sys\nwhile True: ctypes.CDLL(None).renameat2(-100, sys.argv[1], -100, sys.argv[2], 2)"
    argv = [PYTHON, "-c", swaps.replace("sys.argv[1]", "b'link'").replace("sys.argv[2]", "b'web.log'")]
    with subprocess.Popen(argv, cwd=tmp_path) as process:
        try:
            assert answer_of("osf_heal", ids=[f"terminate-{name}"])["undone"] == [f"terminate-{name}"]
        finally:
            process.kill()
    try:
        assert precious.read_text() == "secret\n"
        assert pidfile.stat().st_mode & 0o777 == 0o644, "all may read it"
        assert not list(tmp_path.glob(".osf-*"))
    finally:
        assert act("kill", pidfile)["changed"]


#: Directories for all logs of a machine, which nobody else sees. Syslog's group may write to the one, as often it may.
LOGS = f"mount -t tmpfs none /var/lib && mount -t tmpfs none /var/log && chgrp {GROUP} /var/log && chmod 775 /var/log"


@private_mounts
def test_the_output_goes_to_no_directory_that_a_group_may_write_to(tmp_path):
    name, program = f"web-{uuid.uuid4().hex[:8]}", tmp_path / uuid.uuid4().hex
    program.write_text("#!/bin/sh\necho written\nsleep 5\n")
    program.chmod(0o755)
    asked = {"name": name, "executable": str(program), "start": [str(program)], "action": "start"}
    show = (
        f'{LOGS} && "$0" - && sleep 1 && echo && ls /var/log && tail -n 1 /var/lib/*/* && ls -ld /var/lib/os-faults-log'
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", show, PYTHON],
        input=text_of("osf_process_service", asked),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[-2] == "written", done
    assert done.stdout.splitlines()[-1].startswith("drwx------")


@pytest.mark.parametrize("made", ["a FIFO", "a link"])
def test_the_output_goes_to_no_link_and_no_fifo(made, tmp_path, precious):
    if made == "a FIFO":
        os.mkfifo(tmp_path / "web.log")
    else:
        (tmp_path / "web.log").symlink_to(precious)
    answer = act("start", tmp_path / "web.pid", start=["/bin/sh", "-c", "echo written; exec sleep 600"])
    try:
        assert answer["state"] == "active"
        assert answer["notes"][0].startswith(f"what the service writes is not kept: {tmp_path}/web.log")
        assert precious.read_text() == "secret\n"
    finally:
        assert act("kill", tmp_path / "web.pid")["changed"]


@pytest.mark.parametrize("made", ["a FIFO", "a link", "nothing"])
def test_healing_writes_to_no_link_and_no_fifo(made, tmp_path, precious):
    name = f"web-{uuid.uuid4().hex[:8]}"
    pidfile, log = tmp_path / "web.pid", tmp_path / "web.log"
    start = ["/bin/sh", "-c", "echo written; exec sleep 600"]
    assert act("start", pidfile, name=name, start=start)["changed"]
    assert act("terminate", pidfile, name=name, start=start)["changed"]
    log.unlink()
    if made == "a FIFO":
        os.mkfifo(log)
    elif made == "a link":
        log.symlink_to(precious)
    healed = answer_of("osf_heal", ids=[f"terminate-{name}"])
    try:
        assert healed["undone"] == [f"terminate-{name}"]
        assert found(pidfile)["active"]
        assert precious.read_text() == "secret\n"
        assert made != "nothing" or log.read_text() == "written\n"
    finally:
        assert act("kill", pidfile)["changed"]


# ---- as whom it comes back -------------------------------------------------------------------------------------------


def identity(pid: int) -> dict[str, list[int]]:
    rows = (line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    return {name: [int(word) for word in value.split()] for name, value in rows if name in ("Uid", "Gid", "Groups")}


WAYS: dict[str, Callable[[str, Path, list[str]], Any]] = {
    "heal": lambda name, pidfile, start: answer_of("osf_heal", ids=[f"terminate-{name}"]),
    "start": lambda name, pidfile, start: act("start", pidfile, name=name, start=start),
    "restart": lambda name, pidfile, start: act("restart", pidfile, name=name, start=start),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_program_comes_back_as_the_user_that_it_ran_as(way, tmp_path):
    name = f"web-{uuid.uuid4().hex[:8]}"
    pidfile = tmp_path / "web.pid"
    argv = ["/bin/sleep", "600"]
    with subprocess.Popen(argv, user=MALLORY, group=4, extra_groups=[27, 4], start_new_session=True) as process:
        write(pidfile, process.pid, owner=0)
        before = identity(process.pid)
        if way != "restart":
            assert act("terminate", pidfile, name=name, start=argv)["changed"]
        back = WAYS[way](name, pidfile, argv)
        assert "failed" not in back, back
        process.wait(10)
    try:
        assert identity(int(pidfile.read_text())) == before
        assert before["Uid"] == [MALLORY] * 4
    finally:
        assert act("kill", pidfile, name=name)["changed"]


DROPS = """
import os, time
open("as", "a").write("%d " % os.getuid())
os.setgroups([]); os.setgid(64242); os.setuid(64242)
time.sleep(600)
"""


def test_a_program_that_gave_up_its_rights_by_itself_comes_back_as_root_and_does_so_again(tmp_path):
    name = f"web-{uuid.uuid4().hex[:8]}"
    pidfile, start = tmp_path / "web.pid", [PYTHON, "-c", DROPS]
    assert act("start", pidfile, name=name, start=start)["changed"]
    try:
        assert identity(int(pidfile.read_text()))["Uid"] == [MALLORY] * 4
        assert act("restart", pidfile, name=name, start=start)["changed"]
        assert identity(int(pidfile.read_text()))["Uid"] == [MALLORY] * 4
        assert (tmp_path / "as").read_text() == "0 0 "
    finally:
        assert act("kill", pidfile, name=name)["changed"]
