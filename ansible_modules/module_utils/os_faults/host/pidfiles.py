"""The pid file of a program, read and written so that it gives nobody more rights.

Root kills the process in a pid file, and a pid file often belongs to the user of the program. So the rules are those of
systemd's ``PIDFile=``: it must be a regular file, and if another user can change it, it may name only processes that
this user could end.
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
"""Seconds by which a process may seem younger than its pid file."""

_PID = re.compile(rb"\s*([0-9]{1,10})(?:\s|\Z)")

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFDIR: "a directory",
    stat.S_IFSOCK: "a socket",
}


class Named(NamedTuple):
    """The live process of a pid file."""

    pid: int
    owner: int | None
    """The user whose processes alone count; None for all users."""


def read(path: str) -> Named | None:
    """Return the process of a pid file; None if there is no such file or process.

    A pid file is written after the start of its process. A process that started after the file was written has the pid
    by chance (after a crash or a reboot), so the file is stale. A file with this process or one of its parents is stale
    too, in particular with init: the tree of init is the whole host.

    Raises:
        Refused: the file is not regular, or a user who can change it may not end the process.
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
    """Return the process ids of a program from its main process, limited to those that ``named.owner`` may end."""
    pids = proc.trees([named.pid])
    return pids if named.owner is None else [pid for pid in pids if may_signal(named.owner, pid)]


def is_ours(path: str) -> bool:
    """Return whether only root and this user can replace a pid file."""
    return paths.is_ours(os.path.dirname(path))


def write(path: str, pid: int) -> None:
    """Write a new pid file in place of any old file or link.

    Raises:
        OSError: it can't be written, or others could replace it.
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
    """Remove a pid file, unless others could replace it: it may be a link to a file of somebody else.

    Raises:
        OSError: it can't be removed.
    """
    if is_ours(path):
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass


def may_signal(uid: int, pid: int) -> bool:
    """Return whether a user could end a process, see kill(2)."""
    real, _effective, saved = proc.users(pid) or (-1, -1, -1)
    return uid in (real, saved)


def _owner(path: str, place: paths.Place, info: os.stat_result) -> int | None:
    """Return the user whose processes a pid file may name; None for all users."""
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
    """Return the beginning of a regular file. Other files are not opened, as opening may block or have effects."""
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
