"""Who else can change what is at a path of this host, or put something else in its place.

What another user can change must neither be written to nor believed on his behalf: it may be a link to somebody else's
file by the time that it is used.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
from typing import NamedTuple

_LINKS = 40
"""Symbolic links that are followed in one path, as many as the kernel follows."""

ANYBODY = -1
"""Stands for all users who may write to a directory that is not their own."""


class Place(NamedTuple):
    """A directory, as far as others can change it."""

    owners: frozenset[int]
    """The user ids, but for root and this user, of those who can put another directory in its place, or own it."""
    shared: bool
    """Whether still others may make files in it."""
    sticky: bool = False
    """Whether these others can neither remove nor exchange a file that is not their own."""


def place(directory: str) -> Place:
    """Return who can change what is in a directory, by any directory or link on the way to it.

    Args:
        directory: an absolute path.

    Raises:
        OSError: it is not there, or is no directory.
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
    """Return the user ids of those who may change everything of ours anyway: root and this user."""
    return {0, os.geteuid()}


def is_ours(directory: str) -> bool:
    """Return whether nobody but root and this user can exchange a directory that is there, or a file of ours in it."""
    try:
        found = place(directory)
    except OSError:
        return False
    return not found.owners and (found.sticky or not found.shared)


def user_of(uid: int) -> str:
    """Return the name of a user, for a sentence."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid:d}"


def _may_replace(directory: str, entry: os.stat_result) -> set[int]:
    """Return who can exchange an entry of a directory: its owner too, where the directory is sticky."""
    info = os.lstat(directory)
    found = {info.st_uid, entry.st_uid}
    if _is_open(directory, info) and not info.st_mode & stat.S_ISVTX:
        found.add(ANYBODY)
    return found


def _is_open(directory: str, info: os.stat_result) -> bool:
    """Return whether others than its owner may write to a directory; a group of root or of this user alone is none.

    Where there is an access control list, the bit of the group stands for everybody whom that names.
    """
    group = info.st_mode & stat.S_IWGRP and (info.st_gid not in (0, os.getegid()) or _has_list(directory))
    return bool(group or info.st_mode & stat.S_IWOTH)


def _has_list(directory: str) -> bool:
    try:
        return bool(os.getxattr(directory, "system.posix_acl_access", follow_symlinks=False))
    except OSError:
        return False
