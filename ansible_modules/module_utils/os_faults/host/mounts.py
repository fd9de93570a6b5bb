"""The room on file systems of this host, asked for within bounds: one whose server is gone does not answer at all."""

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
"""Types of file systems that somebody else than this host's kernel answers for; ``fill_disk.sh`` has the same list."""

_PATIENCE = 5.0
"""Seconds in which all file systems that are asked have to answer."""


def room(paths: Iterable[str]) -> tuple[dict[str, float], list[str]]:
    """Return the bytes that are free on the file systems of these directories, and the ones that did not answer.

    A child asks, as nothing but its end ends a question that is not answered. File systems of the network are left out.

    Args:
        paths: absolute paths; one that is not there has no room.
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
    r"""Return the type of the file system that a directory is on.

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
    r"""Return a path as it is, of one as the kernel writes it in a table.

    >>> unescaped("/srv/a\040b")
    '/srv/a b'
    """
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), point)


def _answer(paths: Iterable[str], mouth: int) -> None:
    """Write a line of JSON for each path, its name and the free bytes, and end this process."""
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
