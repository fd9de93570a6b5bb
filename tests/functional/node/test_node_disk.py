"""A file system of this machine loses its free space and gets it back, also without root."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.functional

MEBI = 1024 * 1024
MEMORY = Path("/dev/shm")


def free_bytes() -> int:
    """Return what others can still have of the file system."""
    found = os.statvfs(MEMORY)
    return found.f_bavail * found.f_frsize


@pytest.fixture(autouse=True)
def room(runtime_directory: Path) -> None:
    if runtime_directory.stat().st_dev == MEMORY.stat().st_dev or free_bytes() < 64 * MEBI:
        pytest.skip("needs 64 MiB in /dev/shm, which must not be where holds are kept")


@pytest.fixture
def disk(play) -> Iterator:
    def do(verb: str = "fill_disk", path: str = str(MEMORY), **more: object):
        return play("node_disk.yml", node_action=verb, path=path, **more)

    yield do
    do("free_disk")


def close_to(expected: int) -> object:
    """Others use the file system too."""
    return pytest.approx(expected, abs=4 * MEBI)


def test_the_space_is_gone_until_it_is_freed(disk):
    before = free_bytes()
    target = before - 24 * MEBI
    done = disk(free=str(target), heal_after=600)
    assert done.failures == {}
    assert done.result["changed"]
    assert free_bytes() == close_to(target)
    assert not list(MEMORY.glob("tmp*")), "the file has a name"

    assert not disk(free=str(target), heal_after=60).result["changed"]
    assert disk(free=str(before - 8 * MEBI), heal_after=60).result["changed"]
    assert free_bytes() == close_to(before - 8 * MEBI)
    disk(free=str(target))
    assert free_bytes() == close_to(target)

    assert disk("free_disk").result["changed"]
    assert free_bytes() == close_to(before)
    assert not disk("free_disk").result["changed"]


def test_the_space_comes_back_when_the_process_is_killed(disk, runtime_directory):
    before = free_bytes()
    disk(free=str(before - 24 * MEBI))
    (directory,) = (path for path in runtime_directory.rglob("fill_disk-*") if path.is_dir())
    pid = int((directory / "load.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    subprocess.run(["sh", str(directory / "undo.sh")], check=True)
    assert free_bytes() == close_to(before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"free": "10X"}, "value of free must be a number, or one with K, M, G or T, got: 10X"),
        ({"free": "-1"}, "value of free must be a number, or one with K, M, G or T, got: -1"),
        ({"path": "dev/shm"}, "the path must be absolute, got: dev/shm"),
        ({"path": "/no/such/place"}, "there is no directory /no/such/place on this host"),
        ({"free": "9000T"}, "bytes are free at /dev/shm already, so there is nothing to fill"),
    ],
)
def test_bad_input_is_refused_before_anything_is_touched(disk, arguments, message):
    before = free_bytes()
    refused = disk(**arguments)
    assert message in refused.failures["here"]
    assert free_bytes() == close_to(before)


def test_the_file_system_of_the_holds_is_refused(disk, runtime_directory):
    refused = disk(path=str(runtime_directory))
    assert refused.failures == {"here": f"{runtime_directory} is where the host keeps its faults, which must have room"}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("srv", "the path must be absolute, got: srv"),
        ("/no/such/place", "there is no directory /no/such/place on this host"),
        ("/dev/shm", "/dev/shm is not on a disk" if os.geteuid() == 0 else "needs root"),
        ("/", "which must stay writable" if os.geteuid() == 0 else "needs root"),
    ],
)
def test_what_is_not_made_read_only(play, path, message):
    assert message in play("node_read_only.yml", node_action="read_only", path=path).failures["here"]
    assert not play("node_read_only.yml", node_action="read_write", path=path).result["changed"]
