"""One at a time: who makes a fault on this host, or takes one back, keeps others of the same user waiting."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import Iterator

from ansible.module_utils.os_faults.hold import store


@contextlib.contextmanager
def locked(seconds: float = 30.0) -> Iterator[str]:
    """Keep other modules of this user from making or taking back a hold meanwhile; yield why that failed, or "".

    It matters after an interrupted run: the module that makes a fault may still be at work when its undo comes. But an
    undo goes on without the lock: it must not fail because a disk is full.
    The lock is a file beside the root, which itself goes with the last hold. It is removed while it is held, so
    whoever gets a file that has been removed meanwhile tries again.
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
    """Wait while somebody makes or takes back a hold, but not for ever."""
    if os.path.exists(store.roots()[0] + store.LOCK):
        with locked(seconds):
            pass


def _acquire(path: str, deadline: float) -> tuple[int | None, str]:
    """Return the descriptor of the lock file, or why it can't be had."""
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
    """Return the descriptor of the lock file when it is ours now, None when somebody else has it.

    Raises:
        OSError: the file can't be made, or belongs to another user.
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
