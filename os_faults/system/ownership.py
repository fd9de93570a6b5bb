"""Checks whether another user could change a file, before it is executed or trusted.

Root may do everything anyway. Any other user who owns a directory of the path, or may write to one, can replace the
file at any time.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from pathlib import Path

#: The limit of the kernel for symbolic links (path_resolution(7)).
_LINKS = 40


def flaw(path: Path, *, shared: bool = False) -> str:
    """Return how another user could change a file, as a part of a sentence; "" when no other user could.

    Every directory and every symbolic link of the path is checked. A sticky directory in the path, like ``/tmp``, is no
    flaw: other users may add files to it, but can't change files that they do not own.

    Args:
        path: path of a file or a directory.
        shared: whether the path itself may be such a sticky directory.

    Raises:
        OSError: the path does not exist, or can't be read.

    Example:
        >>> flaw(Path("/tmp")), flaw(Path("/tmp"), shared=True)
        ('others may write to /tmp', '')
    """
    here, rest, links = "/", list(reversed(path.absolute().parts[1:])), 0
    while True:
        about = os.lstat(here)
        if found := _flaw_of(here, about, shared=shared or bool(rest)):
            return found
        if stat.S_ISLNK(about.st_mode):
            links += 1
            if links > _LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
            target = Path(os.readlink(here))
            rest += reversed(target.parts[1:] if target.is_absolute() else target.parts)
            here = "/" if target.is_absolute() else os.path.dirname(here)
        elif rest:
            name = rest.pop()
            here = os.path.dirname(here) if name == ".." else os.path.join(here, name)
        else:
            return ""


def _flaw_of(path: str, about: os.stat_result, *, shared: bool) -> str:
    if about.st_uid not in (0, os.geteuid()):
        return f"{path} belongs to {_name(about.st_uid)}"
    if stat.S_ISLNK(about.st_mode) or (shared and about.st_mode & stat.S_ISVTX):
        return ""
    of_group = about.st_mode & stat.S_IWGRP and not _is_alone(about.st_gid)
    return f"others may write to {path}" if of_group or about.st_mode & stat.S_IWOTH else ""


def _is_alone(gid: int) -> bool:
    """Return whether only this user and root are in a group, as on systems with a separate group for each user."""
    us = {0, os.geteuid()}
    ours = {entry.pw_name for entry in pwd.getpwall() if entry.pw_uid in us}
    if any(entry.pw_gid == gid and entry.pw_uid not in us for entry in pwd.getpwall()):
        return False
    try:
        group = grp.getgrgid(gid)
    except KeyError:
        return False  # its members are not known
    # A directory service may not list all members of a group, so the group must have the name of its only user.
    return group.gr_name in ours and set(group.gr_mem) <= ours


def _name(uid: int) -> str:
    try:
        return f"the user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"the user {uid}"
