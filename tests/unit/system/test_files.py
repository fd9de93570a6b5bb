"""Files of this user's own."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from os_faults.errors import ConfigError
from os_faults.system import files


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_text("before")
    path.chmod(0o666)
    with path.open() as reader:
        files.replace(path, "after")
        assert reader.read() == "before", "who reads the old one reads it to its end"
    assert path.read_text() == "after"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_gets_nothing(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_text("")
    os.chown(path, 4322, 4322)
    with path.open() as theirs:
        files.replace(path, "secret")
        assert theirs.read() == ""
    assert path.stat().st_uid == 0


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink("elsewhere", path)])
def test_what_is_no_file_stays(tmp_path: Path, make: object) -> None:
    path = tmp_path / "it"
    make(path)
    before = path.lstat().st_ino
    with pytest.raises(OSError, match="no regular file"):
        files.replace(path, "secret")
    assert path.lstat().st_ino == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError, match=r"no regular file|No such file"):
        files.opened(path)


def test_a_relative_path_without_a_present_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert files.absolute("/x") == Path("/x")
    with pytest.raises(ConfigError, match="the current directory is gone"):
        files.absolute("x")
