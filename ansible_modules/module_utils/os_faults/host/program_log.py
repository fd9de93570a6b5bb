"""The log of a program that os_faults starts: never a file that other users can replace."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from typing import BinaryIO

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.host import paths, pidfiles, text

LOGS = "/var/lib/os-faults-log"
"""Root's directory for logs of programs if others may write to ``/var/log``, as the group of syslog often may."""

_READ = 4000
"""Bytes at the end of a log that are read for its last line."""


def path_of(name: str, pidfile: str | None) -> str:
    """Return the path of the log of a service: beside its pid file if only root and this user can replace files there.

    Args:
        name: name of the service.
        pidfile: path of its pid file; None without one.
    """
    if pidfile and pidfiles.is_ours(pidfile):
        return os.path.splitext(pidfile)[0] + ".log"
    return os.path.join(_directory(), f"os-faults-{name.replace('/', '-')}.log")


def _directory() -> str:
    if os.geteuid() != 0:
        return tempfile.gettempdir()
    return "/var/log" if paths.is_ours("/var/log") else LOGS


def append_to(path: str) -> BinaryIO:
    """Return a log, opened for appending, and created if needed.

    Raises:
        Refused: it can't be written, or is not a regular file of this user.
    """
    if os.path.dirname(path) == LOGS:
        with contextlib.suppress(OSError):  # it exists, or opening the log fails as well
            os.mkdir(LOGS, 0o700)
    return os.fdopen(_opened(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab")


def last_words(path: str) -> str:
    """Return the last line of a log as the end of a message; empty without such a log."""
    try:
        with os.fdopen(_opened(path, os.O_RDONLY), "rb") as file:
            file.seek(-min(_READ, os.fstat(file.fileno()).st_size), os.SEEK_END)
            said = text.last_line(file.read(_READ).decode("utf-8", "replace"))
    except errors.Refused:
        return ""
    return f"; its log ends: {said}" if said else ""


def _opened(path: str, flags: int) -> int:
    try:
        # O_NONBLOCK: a FIFO without a reader is an error, and does not block.
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise errors.Refused(f"{path}: {error.strerror}") from error
    info = os.fstat(descriptor)
    if not stat.S_ISREG(info.st_mode) or info.st_uid not in paths.trusted() or info.st_nlink > 1:
        os.close(descriptor)
        raise errors.Refused(f"{path} is not a file of this user alone")
    os.set_blocking(descriptor, True)
    return descriptor
