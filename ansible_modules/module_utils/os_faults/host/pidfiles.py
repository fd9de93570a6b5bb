"""The pid file of a program: read and written so that it gives nobody more power than he has.

Root kills what a pid file names, and a pid file often belongs to the user of the program, or lies in his directory. So
it is treated as systemd treats a ``PIDFile=``: it must be a regular file, and one that another user can change names
only processes that this user could end himself.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from typing import NamedTuple

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.host import paths, proc

_CLOCK_SLACK = 2.0
"""Seconds that a process may seem to be younger than its pid file."""

_PID = re.compile(rb"\s*([0-9]{1,10})(?:\s|\Z)")

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFDIR: "a directory",
    stat.S_IFSOCK: "a socket",
}


class Named(NamedTuple):
    """A live process that a pid file names."""

    pid: int
    owner: int | None
    """The user whose processes alone may be acted on; None for all."""


def read(path: str) -> Named | None:
    """Return the process that a pid file names, None when there is no such file or process.

    A pid file is written after its process has started. A process that started after the file was written has got
    the pid by chance (after a crash or a reboot), so the file is stale. So is one that names this very process or one
    of its parents, init above all: the tree of that one is the whole host.

    Raises:
        Refused: the file is no regular one, or names a process that who can change it may not end.
    """
    try:
        place = paths.place(os.path.dirname(path))
        text, info = _content(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise errors.Refused(f"the pid file {path} can't be read: {error.strerror}") from error
    found = _PID.match(text)
    process = proc.stat(int(found.group(1))) if found and int(found.group(1)) > 1 else None
    if process is None or process.pid in proc.ancestors():
        return None
    if proc.started_at(process.start) > info.st_mtime + _CLOCK_SLACK:
        return None
    owner = _owner(path, place, info)
    if owner is not None and not may_signal(owner, process.pid):
        named, mighty = paths.user_of(_user(process.pid)), paths.user_of(owner)
        raise errors.Refused(
            f"the pid file {path} names process {process.pid:d} of {named}, but {mighty} can change the file, "
            f"so it may only name processes of {mighty}; keep it where only root can write, "
            "or find the service by its executable or grep"
        )
    return Named(process.pid, owner)


def tree(named: Named) -> list[int]:
    """Return the processes of a program by its main one; of one in the hands of a user, those of this user only."""
    pids = proc.trees([named.pid])
    return pids if named.owner is None else [pid for pid in pids if may_signal(named.owner, pid)]


def is_ours(path: str) -> bool:
    """Return whether this user may write and remove a pid file: nobody else can exchange it, or what it lies in."""
    return paths.is_ours(os.path.dirname(path))


def write(path: str, pid: int) -> None:
    """Write a pid file as a new one that takes the place of any old one, whatever that leads to.

    Raises:
        OSError: it can't be written, or others could exchange it.
    """
    if not is_ours(path):
        raise PermissionError(
            "the service writes none, and others could exchange one that os_faults writes there; "
            "keep it in a directory that only root can write to"
        )
    descriptor, new = tempfile.mkstemp(prefix=".osf-", dir=os.path.dirname(path))
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{pid:d}\n")
            os.fchmod(file.fileno(), 0o644)
        os.rename(new, path)
    except OSError:
        os.unlink(new)
        raise


def remove(path: str) -> None:
    """Remove a pid file; one that others could exchange is left to them, as it may lead to a file of somebody else.

    Raises:
        OSError: it can't be removed.
    """
    if is_ours(path):
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass


def may_signal(uid: int, pid: int) -> bool:
    """Return whether a user could end a process himself, see kill(2)."""
    real, _effective, saved = proc.users(pid) or (-1, -1, -1)
    return uid in (real, saved)


def _owner(path: str, place: paths.Place, info: os.stat_result) -> int | None:
    """Return whose processes a pid file may name, None for everybody's."""
    shared = place.shared or paths.ANYBODY in place.owners
    others = (place.owners | {info.st_uid}) - paths.trusted() - {paths.ANYBODY}
    if len(others) > 1:
        who = " and ".join(sorted(map(paths.user_of, others)))
        raise errors.Refused(f"the pid file {path} can be changed by {who}; keep it where only root can write")
    if others:
        return next(iter(others))
    if shared and info.st_nlink > 1:
        raise errors.Refused(f"the pid file {path} has another name, so anybody can have put it there; remove it")
    return info.st_uid if shared else None


def _content(path: str) -> tuple[bytes, os.stat_result]:
    """Return the beginning of a regular file; nothing else is opened, as that may wait or do something."""
    handle = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        kind = stat.S_IFMT(os.fstat(handle).st_mode)
        if kind != stat.S_IFREG:
            raise errors.Refused(f"the pid file {path} is {_KINDS.get(kind, 'a device')}; remove it")
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(f"/proc/self/fd/{handle:d}", flags)
    finally:
        os.close(handle)
    try:
        return os.read(descriptor, 64), os.fstat(descriptor)
    finally:
        os.close(descriptor)


def _user(pid: int) -> int:
    users = proc.users(pid)
    return users[1] if users else -1
