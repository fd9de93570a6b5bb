"""The log that the output of a program goes to which os_faults starts: never a file that somebody else can exchange."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from typing import BinaryIO

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.host import paths, pidfiles

LOGS = "/var/lib/os-faults-log"
"""Where root keeps the logs of programs on a host whose ``/var/log`` others may write to, as syslog's group often may.
"""

_READ = 4000
"""Bytes of the end of a log in which its last line is looked for."""


def path_of(name: str, pidfile: str | None) -> str:
    """Return where the output of a service goes: beside its pid file where nobody else can put anything there.

    Args:
        name: what the service is called.
        pidfile: the path of its pid file; None when it has none.
    """
    if pidfile and pidfiles.is_ours(pidfile):
        return os.path.splitext(pidfile)[0] + ".log"
    return os.path.join(_directory(), f"os-faults-{name.replace('/', '-')}.log")


def _directory() -> str:
    if os.geteuid() != 0:
        return tempfile.gettempdir()
    return "/var/log" if paths.is_ours("/var/log") else LOGS


def append_to(path: str) -> BinaryIO:
    """Return a log, made when it is not there, opened for more.

    Raises:
        Refused: it can't be written to, or is not this user's own regular file.
    """
    if os.path.dirname(path) == LOGS:
        with contextlib.suppress(OSError):  # it is there, or the log can't be opened either
            os.mkdir(LOGS, 0o700)
    return os.fdopen(_opened(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab")


def last_words(path: str) -> str:
    """Return the last line of a log as the end of a sentence; empty when there is no log of ours."""
    try:
        with os.fdopen(_opened(path, os.O_RDONLY), "rb") as file:
            file.seek(-min(_READ, os.fstat(file.fileno()).st_size), os.SEEK_END)
            lines = file.read(_READ).decode("utf-8", "replace").strip().splitlines()
    except errors.Refused:
        return ""
    return "; its log ends: " + lines[-1] if lines else ""


def _opened(path: str, flags: int) -> int:
    try:
        # A FIFO without a reader is an error then, and no reason to wait.
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise errors.Refused(f"{path}: {error.strerror}") from error
    info = os.fstat(descriptor)
    if not stat.S_ISREG(info.st_mode) or info.st_uid not in paths.trusted() or info.st_nlink > 1:
        os.close(descriptor)
        raise errors.Refused(f"{path} is not a file of this user alone")
    os.set_blocking(descriptor, True)
    return descriptor
