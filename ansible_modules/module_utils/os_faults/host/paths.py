"""Find users who can change or replace a file at a path of this host.

A file that another user can replace must not be written or trusted: at the time of use it may be a link to somebody
else's file.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
from typing import NamedTuple

_LINKS = 40
"""Most symbolic links in one path, as in the kernel."""

ANYBODY = -1
"""Stands for all users, in a directory that everybody may write to."""


class Place(NamedTuple):
    """The users who can change a directory."""

    owners: frozenset[int]
    """Ids of the users who can replace it or own it, except root and this user."""
    shared: bool
    """Whether other users may create files in it."""
    sticky: bool = False
    """Whether these other users can't remove or replace files of others."""


def place(directory: str) -> Place:
    """Return the users who can change a directory, or any directory or link on the way to it.

    Args:
        directory: an absolute path.

    Raises:
        OSError: it does not exist, or is no directory.
    """
    owners: set[int] = set()
    here = "/"
    todo = directory.split("/")[::-1]
    links = 0
    while todo:
        name = todo.pop()
        if name in ("", "."):
            continue
        if name == "..":
            here = os.path.dirname(here)
            continue
        path = os.path.join(here, name)
        entry = os.lstat(path)
        owners |= _may_replace(here, entry)
        if not stat.S_ISLNK(entry.st_mode):
            here = path
            continue
        links += 1
        if links > _LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), directory)
        target = os.readlink(path)
        here = "/" if target.startswith("/") else here
        todo += target.split("/")[::-1]
    info = os.lstat(here)
    if not stat.S_ISDIR(info.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), directory)
    return Place(frozenset(owners - trusted()), _is_open(here, info), bool(info.st_mode & stat.S_ISVTX))


def trusted() -> set[int]:
    """Return the ids of root and of this user, who may change everything of ours."""
    return {0, os.geteuid()}


def is_ours(directory: str) -> bool:
    """Return whether only root and this user can replace a directory, or a file of ours in it."""
    try:
        found = place(directory)
    except OSError:
        return False
    return not found.owners and (found.sticky or not found.shared)


def user_of(uid: int) -> str:
    """Return the name of a user for a message."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid:d}"


def _may_replace(directory: str, entry: os.stat_result) -> set[int]:
    """Return the owners of an entry and its directory, and `ANYBODY` if the directory is open and not sticky."""
    info = os.lstat(directory)
    found = {info.st_uid, entry.st_uid}
    if _is_open(directory, info) and not info.st_mode & stat.S_ISVTX:
        found.add(ANYBODY)
    return found


def _is_open(directory: str, info: os.stat_result) -> bool:
    """Return whether other users may write to a directory; the groups of root and of this user do not count.

    With an access control list the bit of the group stands for every entry of the list.
    """
    group = info.st_mode & stat.S_IWGRP and (info.st_gid not in (0, os.getegid()) or _has_list(directory))
    return bool(group or info.st_mode & stat.S_IWOTH)


def _has_list(directory: str) -> bool:
    try:
        return bool(os.getxattr(directory, "system.posix_acl_access", follow_symlinks=False))
    except OSError:
        return False
