"""What another user of a host can do to the modules: make their answers long, steer a terminal, take their places."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible.module_utils.os_faults.hold import store
from ansible.module_utils.os_faults.host import mounts
from support.held_service import until
from support.packed_modules import MALLORY, PYTHON, answer_of, hung_mount, needs_root, text_of

from os_faults import resources

pytestmark = [pytest.mark.functional, pytest.mark.usefixtures("runtime_directory")]

OWN = Path(f"/tmp/os-faults-{MALLORY}")


@pytest.fixture
def clean() -> Iterator[None]:
    """Nothing of mallory's is left in the directory for all."""
    yield
    for path in Path("/tmp").glob("os-faults-*"):
        if path.name.startswith((OWN.name, "os-faults-AAAA")):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def make(path: Path, owner: int = MALLORY) -> Path:
    path.mkdir()
    os.chown(path, owner, owner)
    return path


@needs_root
@pytest.mark.usefixtures("clean")
def test_thousands_of_directories_in_tmp_are_no_faults():
    before = answer_of("osf_holds_info")["notes"]
    for number in range(2400):
        (make(Path(f"/tmp/os-faults-AAAA\x1b]0;title\a{number}")) / "x").mkdir()
    assert answer_of("osf_holds_info", patience=20)["notes"] == before


@needs_root
@pytest.mark.usefixtures("clean")
def test_who_has_faults_is_told_by_his_name_and_nobody_by_an_empty_directory():
    before = answer_of("osf_holds_info")["notes"]
    make(OWN)
    assert answer_of("osf_holds_info")["notes"] == before
    (OWN / "freeze-x").mkdir()
    sentence = f"user {MALLORY} has faults on this host; only user {MALLORY} can list and heal them"
    assert set(answer_of("osf_holds_info")["notes"]) - set(before) == {sentence}
    assert sentence in answer_of("osf_heal", ids=["none"])["notes"]


@needs_root
@pytest.mark.usefixtures("clean")
def test_of_many_users_a_few_are_named():
    made = [Path(f"/tmp/os-faults-{MALLORY}{number}") for number in range(10, 30)]
    for path in made:
        (make(path, int(path.name.rpartition("-")[2])) / "x").mkdir()
    notes = answer_of("osf_holds_info")["notes"]
    assert len(notes) == 6
    assert re.fullmatch(r"\.\.\. and \d+ more", notes[-1])


@needs_root
@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("taken", [OWN.name, f"{OWN.name}.lock"])
def test_a_user_whose_place_was_taken_has_another_one(taken, tmp_path):
    """Somebody else has made what the user's faults would lie in, or its lock."""
    path = Path("/tmp", taken)
    path.touch() if taken.endswith(".lock") else path.mkdir()
    home = make(Path("/tmp") / f"home-{uuid.uuid4().hex}")
    fault = {"fault": "test", "subject": "x"}
    try:
        made = answer_of(
            *("osf_hold",),
            user=MALLORY,
            home=str(home),
            **fault,
            seconds="60",
            inject=[["touch", "here"]],
            undo=[["true"]],
        )
        assert made["state"] == "injected", made
        (listed,) = answer_of("osf_holds_info", user=MALLORY, home=str(home))["holds"]
        assert Path(listed["directory"]).is_relative_to(home)
        assert answer_of("osf_heal", user=MALLORY, home=str(home))["undone"] == ["test-x"]
        until(lambda: list(home.iterdir()) == [])
    finally:
        shutil.rmtree(home)


@needs_root
def test_a_directory_below_one_of_another_user_keeps_no_faults(tmp_path, monkeypatch):
    theirs = make(tmp_path / "theirs")
    (theirs / "run").mkdir(mode=0o700)
    (theirs / "run" / "os-faults").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(theirs / "run"))
    assert not store.trusted(str(theirs / "run" / "os-faults"))
    assert str(theirs / "run" / "os-faults") not in store.roots()


def test_the_name_of_a_process_steers_no_terminal(freeze, service, play, tmp_path):
    red = tmp_path / "\x1b[31mred\nx"
    shutil.copy("/bin/sleep", red)
    freeze(seconds=60)
    with subprocess.Popen([str(red), "600"]) as process:
        try:
            os.kill(process.pid, signal.SIGSTOP)
            notes = play("heal.yml", fault_ids=[service.hold]).result["notes"]
        finally:
            process.kill()
    assert [note for note in notes if rf"stopped process {process.pid}: \x1b[31mred\nx" in note]
    assert all(note.isprintable() for note in notes)


# ---- mounts that hang ------------------------------------------------------------------------------------------------


@needs_root
def test_a_mount_that_hangs_keeps_nobody_from_a_fault(freeze, service, play, tmp_path):
    with hung_mount(tmp_path / "gone"):
        begin = time.monotonic()
        assert freeze(seconds=60).result["state"] == "injected"
        assert play("faults.yml").rc == 0
        assert play("heal.yml", fault_ids=[service.hold]).result["undone"] == [service.hold]
        assert time.monotonic() - begin < 60


@needs_root
def test_a_file_system_that_hangs_has_no_room_and_is_named(tmp_path, monkeypatch):
    with hung_mount(tmp_path / "gone") as gone:
        begin = time.monotonic()
        monkeypatch.setattr(mounts, "NETWORK", ())
        free, silent = mounts.room([str(tmp_path), str(gone)])
        assert time.monotonic() - begin < 10
        assert silent == [str(gone)]
        assert free[str(tmp_path)] > 0


@needs_root
def test_a_disk_that_does_not_answer_is_not_filled(play, tmp_path):
    with hung_mount(tmp_path / "gone") as gone:
        begin = time.monotonic()
        failed = play("node_disk.yml", node_action="fill_disk", path=str(gone))
        assert failed.failures == {"here": f"the file system of {gone} does not answer"}
        assert time.monotonic() - begin < 50


def test_the_script_and_the_module_know_the_same_network_file_systems():
    script = (resources.playbooks_dir() / "files" / "disk" / "fill_disk.sh").read_text()
    (listed,) = re.findall(r"^    (nfs.*)\)$", script, re.MULTILINE)
    assert tuple(listed.split(" | ")) == mounts.NETWORK


# ---- what is logged --------------------------------------------------------------------------------------------------

#: Has a log socket of its own in place of the machine's, and tells what arrives there.
LOGGED = """
import os, socket, subprocess, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
subprocess.run(sys.argv[1:], stdin=0, stdout=subprocess.DEVNULL, check=True)
log.setblocking(False)
while True:
    try:
        print(log.recv(100000).decode(errors="replace"))
    except BlockingIOError:
        break
"""
#: Devices are made anew, as a machine may have bound them there from elsewhere.
_OWN_DEV = """
mount -t tmpfs tmpfs /dev || exit
mknod -m 666 /dev/null c 1 3; mknod -m 666 /dev/random c 1 8; mknod -m 666 /dev/urandom c 1 9
mkdir -m 1777 /dev/shm; ln -s /proc/self/fd /dev/fd
exec "$@"
"""


def logged(*command: str, text: str = "") -> str:
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", _OWN_DEV, "sh", sys.executable, "-c", LOGGED, *command],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


CANARY = f"canary-{uuid.uuid4().hex}"
ASKED = {"services": {CANARY: {"driver": "process", "grep": CANARY, "start_cmd": CANARY}}}


@needs_root
def test_a_packed_module_logs_its_name_and_no_argument():
    said = logged(PYTHON, "-", text=text_of("osf_node_info", {**ASKED, "_ansible_module_name": "osf_node_info"}))
    assert "ansible-osf_node_info: Invoked" in said
    assert CANARY not in said


@needs_root
def test_a_module_under_bare_ansible_logs_its_name_and_no_argument(tmp_path):
    said = logged(
        *("env", f"ANSIBLE_LIBRARY={resources.modules_dir()}", f"ANSIBLE_MODULE_UTILS={resources.module_utils_dir()}"),
        *(f"ANSIBLE_HOME={tmp_path}", sys.executable, "-m", "ansible", "adhoc", "localhost", "-m", "osf_node_info"),
        *("-e", f"ansible_python_interpreter={sys.executable}"),
        *("-a", str({"services": ASKED["services"]}).replace("'", '"')),
    )
    assert "ansible-osf_node_info: Invoked" in said
    assert CANARY not in said
