"""Pid files and logs that root writes where another user can exchange them: nothing of his is written through."""

from __future__ import annotations

import os
import struct
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.other_user import private_mounts
from support.packed_modules import MALLORY, PYTHON, answer_of, needs_root, text_of
from support.pid_files import act, found

pytestmark = [pytest.mark.functional, needs_root, pytest.mark.usefixtures("runtime_directory")]


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
