"""Files of this user: a crash or another program can't leave them half written."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from os_faults.errors import ConfigError


def absolute(path: str | os.PathLike[str]) -> Path:
    """Return an absolute path.

    Raises:
        ConfigError: the path is relative, and the current directory is gone.
    """
    try:
        return Path(path).absolute()
    except OSError as error:
        raise ConfigError(f"can't tell where {os.fspath(path)!r} is: the current directory is gone") from error


def opened(path: Path) -> BinaryIO:
    """Return a file that is open for reading; refuse a file that could block the reader, like a FIFO.

    Raises:
        OSError: it can't be read, or is not a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return open(descriptor, "rb")


def replace(path: Path, text: str) -> None:
    """Replace a file (0600) by a text, whole or not at all; it is on the disk when this returns.

    The new file belongs to this user: nothing is written to an existing file, nor through a symbolic link.

    Args:
        path: path of the file, which need not exist.
        text: its new content.

    Raises:
        OSError: it can't be written, or something other than a regular file is there.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise OSError(errno.EINVAL, "something lies there that is no regular file", str(path))
    fresh = path.with_name(f".{secrets.token_hex(8)}.new")
    try:
        put(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), text)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def create(path: Path, text: str) -> None:
    """Write a new file (0600).

    Raises:
        OSError: it can't be written, or exists already.
    """
    put(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), text)


def put(descriptor: int, text: str) -> None:
    """Write a text to an open file, close it, and return when it is on the disk."""
    with open(descriptor, "wb") as file:
        file.write(text.encode("utf-8", "surrogateescape"))
        file.flush()
        os.fsync(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock a file against other writers, in this process and in others.

    The lock is a separate file beside it (``.lock``), as the file may be replaced. The directory is created.

    Raises:
        OSError: the lock or the directory can't be created.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def has_room(directory: Path, wanted: int) -> bool:
    """Return whether a directory has room for some bytes; True when that is not known.

    Args:
        directory: an existing directory.
        wanted: number of bytes.
    """
    try:
        about = os.statvfs(directory)
    except OSError:
        return True  # the write itself will show it
    full_of_files = about.f_files and not about.f_favail
    return not about.f_blocks or (not full_of_files and about.f_bavail * about.f_frsize >= wanted)
