"""The private directory lies where nobody else can put another in its place, and programs are run from it only so."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.lone_host import LoneHost, lone_host
from support.other_user import BIN, STRANGER, as_root, call, private_mounts

from os_faults import OSFError
from os_faults.ansible.private_directory import PrivateDirectory
from os_faults.config import SshConfig

pytestmark = pytest.mark.functional


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory with a path that is short enough, named as the runtime directory."""
    base = Path(tempfile.mkdtemp(prefix="base-", dir="/tmp"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(base / "run"))
    monkeypatch.delenv("TMPDIR", raising=False)
    yield base
    shutil.rmtree(base)


def made_in() -> Path:
    control = PrivateDirectory(SshConfig())
    control.close()
    return control.path.parent


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o1777, 0o1770])
def test_it_lies_where_nobody_else_can_replace_it(base: Path, mode: int) -> None:
    (base / "run").mkdir()
    (base / "run").chmod(mode)
    assert made_in() == base / "run"


@pytest.mark.parametrize("mode", [0o777, 0o733])
def test_a_directory_that_everybody_may_write_to_is_passed_over(base: Path, mode: int) -> None:
    (base / "run").mkdir()
    (base / "run").chmod(mode)
    assert made_in() == Path("/tmp")
    assert list((base / "run").iterdir()) == []


@as_root
def test_a_directory_of_a_shared_group_is_passed_over(base: Path) -> None:
    (base / "run").mkdir()
    os.chown(base / "run", -1, STRANGER)
    (base / "run").chmod(0o770)
    assert made_in() == Path("/tmp")


@as_root
def test_so_is_the_directory_of_another_user_and_what_lies_in_one(base: Path) -> None:
    (base / "run").mkdir(mode=0o700)
    os.chown(base / "run", STRANGER, STRANGER)
    assert made_in() == Path("/tmp")
    os.chown(base / "run", 0, 0)
    os.chown(base, STRANGER, STRANGER)
    assert made_in() == Path("/tmp")


@as_root
def test_so_is_what_another_users_link_leads_to(base: Path) -> None:
    base.chmod(0o1777)
    (base / "real").mkdir(mode=0o700)
    (base / "run").symlink_to("real")
    assert made_in() == base / "run", "a link of our own is as good as its target"
    os.chown(base / "run", STRANGER, STRANGER, follow_symlinks=False)
    assert made_in() == Path("/tmp")


SESSION = """\
import sys, time
import os_faults
with os_faults.connect(config_filename=sys.argv[1]) as cloud:
    cloud.get_nodes()
    print("ready", flush=True)
    sys.stdin.readline()
    cloud.faults()
"""
#: What another user does to a directory of his own: the private one goes away, a program of his comes in its place.
ATTACK = """\
cd "$1" || exit
for private in osf-*; do
    [ -d "$private" ] || continue
    mv "$private" moved && mkdir -p "$private/warm" || exit
    printf '#!/bin/sh\\nid > "%s"\\n' "$2" > "$private/warm/ansible-playbook"
    chmod 755 "$private/warm/ansible-playbook"
    ln -s "$1/moved/ansible.cfg" "$private/ansible.cfg"  # nothing seems to have changed
done
"""


@private_mounts
def test_another_user_runs_no_program_as_root_by_his_runtime_directory(base: Path) -> None:
    """It is kept by ``su`` without ``-``."""
    (base / "run").mkdir(mode=0o700)
    os.chown(base / "run", STRANGER, STRANGER)
    base.chmod(0o755)
    canary = base / "canary"
    canary.touch()
    canary.chmod(0o666)
    with (
        lone_host() as host,
        subprocess.Popen(
            [sys.executable, "-c", SESSION, host.config], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as session,
    ):
        assert session.stdin is not None
        assert session.stdout is not None
        assert session.stdout.readline() == "ready\n"
        call("sh", "-c", ATTACK, "sh", base / "run", canary, cwd=base, uid=STRANGER)
        session.stdin.write("go on\n")
        session.stdin.close()
        code = session.wait(timeout=60)
    assert canary.read_text() == ""
    assert code == 0
    assert list((base / "run").iterdir()) == []


def test_a_directory_that_was_replaced_is_used_no_more(base: Path) -> None:
    """Programs that tidy up /tmp take away what is old, and then everybody may make one of this name."""
    (base / "run").mkdir(mode=0o700)
    control = PrivateDirectory(SshConfig())
    control.path.rename(base / "moved")
    for use in (lambda: control.ansible_cfg, lambda: control.secret_path("canary")):
        with pytest.raises(OSFError, match="connect again"):
            use()
    control.path.mkdir()
    for use in (lambda: control.ansible_cfg, lambda: control.secret_path("canary")):
        with pytest.raises(OSFError, match="is not the private directory that was made there"):
            use()
    assert list(control.path.iterdir()) == []
    control.close()


@private_mounts
def test_without_a_fit_directory_it_says_why_and_what_to_do(host: LoneHost) -> None:
    mounts = ["mount -t tmpfs none /mnt"]
    for number, each in enumerate(("/tmp", "/var/tmp", "/dev/shm")):
        # What lies there stays where it is: perhaps that is os_faults itself.
        layers = f"lowerdir={each},upperdir=/mnt/upper{number},workdir=/mnt/work{number}"
        mounts += [f"mkdir /mnt/upper{number} /mnt/work{number}"]
        mounts += [f"mount -t overlay overlay -o {layers} {each}", f"chmod 777 {each}"]
    done = call(BIN / "os-faults", "-c", host.config, "nodes", cwd=Path("/"), mounts=mounts)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "no directory is fit for the private files of os_faults (/tmp: others may write to /tmp;" in line
    assert line.endswith("let TMPDIR name a short one of your own")


@private_mounts
def test_of_two_it_takes_the_one_with_room(host: LoneHost) -> None:
    mounts = ["mkdir -p /mnt/full", "mount -t tmpfs -o size=64k none /mnt/full", "mount -t tmpfs none /dev/shm"]
    env = {"XDG_RUNTIME_DIR": "/mnt/full", "XDG_STATE_HOME": str(host.directory / "state")}
    done = call(BIN / "os-faults", "-c", host.config, "faults", cwd=Path("/"), env=env, mounts=mounts)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no faults\n")


@pytest.fixture
def host() -> Iterator[LoneHost]:
    with lone_host() as host:
        yield host


def test_a_secret_of_any_bytes_is_kept_as_it_is(base: Path) -> None:
    (base / "run").mkdir(mode=0o700)
    control = PrivateDirectory(SshConfig())
    path = Path(control.secret_path(os.fsdecode(b"pass\xffword")))
    assert path.read_bytes() == b"pass\xffword"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    control.close()


@private_mounts
@pytest.mark.parametrize(
    ("accounts", "members", "told"),
    [
        ("me:x:{me}:{me}::/:/bin/sh", "", ""),
        ("me:x:{me}:{me}::/:/bin/sh", "me,root", ""),
        ("me:x:{me}:{me}::/:/bin/sh", "me,mallory", "others may write to {place}"),
        ("me:x:{me}:{me}::/:/bin/sh\nmallory:x:9:{me}::/:/bin/sh", "", "others may write to {place}"),
    ],
    ids=["a group of one's own", "with root", "with somebody else", "of which somebody else is by his account"],
)
def test_a_group_is_who_is_in_it(host: LoneHost, accounts: str, members: str, told: str) -> None:
    """Where every user has a group of his own, what he makes may be writable for it."""
    place = host.directory / "place"
    place.mkdir()
    os.chown(place, STRANGER, STRANGER)
    place.chmod(0o775)
    files = {"passwd": f"root:x:0:0::/:/bin/sh\n{accounts.format(me=STRANGER)}\n"}
    files["group"] = f"root:x:0:\nme:x:{STRANGER}:{members}\n"
    for name, text in files.items():
        (host.directory / name).write_text(text)
    mounts = [f"mount --bind {host.directory / name} /etc/{name}" for name in files]
    look = "import pathlib, sys; from os_faults.system.ownership import flaw; print(flaw(pathlib.Path(sys.argv[1])))"
    done = call(BIN / "python", "-c", look, place, cwd=host.directory, uid=STRANGER, mounts=mounts)
    assert done.stdout == told.format(place=place) + "\n", done.stderr
