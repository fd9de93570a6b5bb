"""Files of this user's own: read and written so that neither a crash nor another program makes a mess of them."""

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
    """Return a path from the root on.

    Raises:
        ConfigError: it is relative, and the present directory is gone.
    """
    try:
        return Path(path).absolute()
    except OSError as error:
        raise ConfigError(f"can't tell where {os.fspath(path)!r} is: the present directory is gone") from error


def opened(path: Path) -> BinaryIO:
    """Return a file that is open for reading; what would make the reader wait, like a FIFO, is none.

    Raises:
        OSError: it can't be read, or is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return open(descriptor, "rb")


def replace(path: Path, text: str) -> None:
    """Put a text in the place of a file (0600), whole or not at all; it is on the disk when this returns.

    The new file is this user's own: nothing is written to one that is there, nor through a symbolic link.

    Args:
        path: of the file, which need not be there.
        text: its new content.

    Raises:
        OSError: it can't be written, or something else than a regular file lies there.
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


def put(descriptor: int, text: str) -> None:
    """Write a text to an open file, close it, and return when it is on the disk."""
    with open(descriptor, "wb") as file:
        file.write(text.encode("utf-8", "surrogateescape"))
        file.flush()
        os.fsync(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other writers away from a file, in this process and in others.

    The lock is a file of its own beside it (``.lock``), as the file may be replaced. The directory is made.

    Raises:
        OSError: it can't be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def has_room(directory: Path, wanted: int) -> bool:
    """Return whether so many bytes can be written yet to a directory; True where nobody can tell.

    Args:
        directory: that is there.
        wanted: bytes.
    """
    try:
        about = os.statvfs(directory)
    except OSError:
        return True  # whoever writes will see
    full_of_files = about.f_files and not about.f_favail
    return not about.f_blocks or (not full_of_files and about.f_bavail * about.f_frsize >= wanted)
