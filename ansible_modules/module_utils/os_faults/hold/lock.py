"""The lock of the holds of a user on this host: one injection or undo at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import Iterator

from ansible.module_utils.os_faults.hold import store


@contextlib.contextmanager
def locked(seconds: float = 30.0) -> Iterator[str]:
    """Hold the lock; yield the reason if that failed, else "".

    After an interrupted run the injection may still be running when the undo comes. An undo goes on without the lock,
    as it must not fail because a disk is full. The lock is a file beside the root, as the last undo removes the root.
    It is removed while it is held, so a process that has locked a removed file tries again.
    """
    path = store.roots()[0] + store.LOCK
    descriptor, trouble = _acquire(path, time.monotonic() + seconds)
    try:
        yield trouble
    finally:
        if descriptor is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            os.close(descriptor)


def wait_until_settled(seconds: float = 10.0) -> None:
    """Wait until no injection or undo is running, but at most ``seconds``."""
    if os.path.exists(store.roots()[0] + store.LOCK):
        with locked(seconds):
            pass


def _acquire(path: str, deadline: float) -> tuple[int | None, str]:
    """Return the descriptor of the lock file, or the reason why the lock failed."""
    try:
        descriptor = _lock(path)
        while descriptor is None and time.monotonic() < deadline:
            time.sleep(0.05)
            descriptor = _lock(path)
    except OSError as error:
        return None, f"can't lock the faults of this host: {error}"
    busy = "another fault is being made or taken back on this host, and does not come to an end"
    return descriptor, busy if descriptor is None else ""


def _lock(path: str) -> int | None:
    """Return the descriptor of the lock file if the lock is ours, None if another process has it.

    Raises:
        OSError: the file can't be created, or belongs to another user.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    taken = False
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise PermissionError(f"{path} belongs to another user")
        with contextlib.suppress(BlockingIOError, FileNotFoundError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken = os.stat(path).st_ino == os.fstat(descriptor).st_ino
    finally:
        if not taken:
            os.close(descriptor)
    return descriptor if taken else None
