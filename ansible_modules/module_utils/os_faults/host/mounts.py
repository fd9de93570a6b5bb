"""Free space on file systems of this host, with a time limit: a file system whose server is gone never answers."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import time
from fnmatch import fnmatchcase
from typing import Iterable

from ansible.module_utils.os_faults.host.files import read_text

NETWORK = ("nfs*", "smb*", "cifs", "ceph", "afs", "gfs*", "ocfs2", "lustre", "9p", "virtiofs", "fuse*")
"""Types of file systems that depend on a server or a program; ``fill_disk.sh`` has the same list."""

_PATIENCE = 5.0
"""Seconds for the answers of all file systems together."""


def room(paths: Iterable[str]) -> tuple[dict[str, float], list[str]]:
    """Return the free bytes on the file systems of directories, and the directories without an answer.

    A child process asks, as only its end ends a call that hangs. Network file systems are left out.

    Args:
        paths: absolute paths; missing directories are left out.
    """
    wanted = sorted(set(paths))
    if not wanted:
        return {}, []
    ear, mouth = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(wanted, mouth)
    os.close(mouth)
    said = _hear(ear, time.monotonic() + _PATIENCE)
    os.close(ear)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, os.WNOHANG)  # what hangs in the kernel may not end, and is left to init
    told = dict(json.loads(line) for line in said.splitlines())
    return {path: told[path] for path in wanted if told.get(path) is not None}, [p for p in wanted if p not in told]


def type_of(path: str, mounts: str) -> str:
    r"""Return the type of the file system of a directory.

    Args:
        path: its real path.
        mounts: the text of ``/proc/self/mounts``.

    >>> type_of("/srv/a", "/dev/sda / ext4 rw\nhost:/x /srv nfs4 rw\n")
    'nfs4'
    """
    found, kind = "", ""
    for row in mounts.splitlines():
        words = row.split(" ")
        point = unescaped(words[1]) if len(words) > 2 else ""
        if point and (path + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(found):
            found, kind = point, words[2]
    return kind


def unescaped(point: str) -> str:
    r"""Return a path of a table of the kernel without its escapes.

    >>> unescaped("/srv/a\040b")
    '/srv/a b'
    """
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), point)


def _answer(paths: Iterable[str], mouth: int) -> None:
    """Write a line of JSON with path and free bytes for each path, and end this process."""
    for descriptor in range(3, 256):
        if descriptor != mouth:
            try:
                os.close(descriptor)
            except OSError:
                pass
    for path in paths:
        try:
            kind = type_of(os.path.realpath(path), read_text("/proc/self/mounts"))
            found = None if any(fnmatchcase(kind, each) for each in NETWORK) else os.statvfs(path)
        except OSError:
            found = None
        free = float(found.f_bavail * found.f_frsize) if found and found.f_blocks else None
        os.write(mouth, json.dumps([path, free]).encode() + b"\n")
    os._exit(0)


def _hear(ear: int, deadline: float) -> str:
    parts = []
    while select.select([ear], [], [], max(0.0, deadline - time.monotonic()))[0]:
        parts.append(os.read(ear, 65536))
        if not parts[-1]:
            break
    return b"".join(parts).decode("utf-8", "replace")
