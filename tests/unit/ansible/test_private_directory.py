from __future__ import annotations

import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from os_faults.ansible.private_directory import PrivateDirectory
from os_faults.config import SshConfig


@pytest.fixture
def runtime(monkeypatch) -> Iterator[Path]:
    """A runtime directory with a short path, as sockets need."""
    directory = Path(tempfile.mkdtemp(prefix="r-", dir="/tmp"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(directory))
    yield directory
    for left in directory.iterdir():
        left.unlink()
    directory.rmdir()


def test_secrets_are_files_of_their_own_that_go_away(runtime):
    control = PrivateDirectory(SshConfig())
    path = Path(control.secret_path("canary"))
    assert path.read_text() == "canary"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(control.path.stat().st_mode) == 0o700
    assert control.secret_path("canary") == str(path)
    control.close()
    control.close()
    assert list(runtime.iterdir()) == []


def test_what_a_killed_process_left_is_swept(runtime):
    leave = (
        "import os; from os_faults.config import SshConfig\n"
        "from os_faults.ansible.private_directory import PrivateDirectory\n"
        "control = PrivateDirectory(SshConfig()); control.secret_path('canary'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", leave], check=False)
    (left,) = runtime.iterdir()
    assert list(left.glob("secret-*"))
    mine = PrivateDirectory(SshConfig())
    other = PrivateDirectory(SshConfig())
    assert set(runtime.iterdir()) == {mine.path, other.path}
    mine.close()
    other.close()


def test_a_forked_child_leaves_the_directory_to_its_parent(runtime):
    stay = (
        "import os, sys; from os_faults.config import SshConfig\n"
        "from os_faults.ansible.private_directory import PrivateDirectory\n"
        "control = PrivateDirectory(SshConfig()); child = os.fork()\n"
        "if child == 0: sys.exit()\n"
        "os.waitpid(child, 0); sys.exit(0 if control.path.is_dir() else 1)"
    )
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", stay], check=False).returncode == 0
    assert list(runtime.iterdir()) == []


@pytest.mark.parametrize("odd", ["percent%dir", "with blank", "l" * 40])
def test_a_path_that_ssh_can_not_use_is_passed_over(tmp_path, monkeypatch, odd):
    (tmp_path / odd).mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / odd))
    monkeypatch.setenv("TMPDIR", str(tmp_path / odd))
    control = PrivateDirectory(SshConfig())
    assert control.path.parent == Path("/tmp")
    control.close()


def test_a_socket_at_which_nobody_listens_is_removed(runtime):
    control = PrivateDirectory(SshConfig())
    path = control.path / "connection"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.bind(str(path))
        control.forget_connections()
        assert not path.exists()
    control.close()
