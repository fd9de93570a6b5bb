"""Standard streams and child processes: a program that starts others needs three streams and SIGCHLD."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from os_faults.errors import OSFError

_turn = threading.Lock()
_users = 0
_was_ignored = False


def have_streams() -> None:
    """Open ``/dev/null`` for each standard stream that is closed (``>&-``, a daemon).

    Otherwise the next opened file would become standard output, and get the printed text.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    # In Python they are None, and pexpect and others use their methods.
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115 - for the program's lifetime
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


@contextmanager
def default_sigchld() -> Iterator[None]:
    """Let the kernel report the end of children until the end of the block, even if SIGCHLD is ignored.

    A program inherits an ignored SIGCHLD from its parent. Then a wait for a child never gets its exit status, neither
    in this program nor in Ansible. After the block the signal is ignored again, as in the host application.

    Raises:
        OSFError: the signal is ignored, and this is not the main thread; only the main thread can change it.
    """
    global _users, _was_ignored
    with _turn:
        if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
            if threading.current_thread() is not threading.main_thread():
                raise OSFError(
                    "this program ignores SIGCHLD, so the end of a run could not be seen: let the main thread call "
                    "signal.signal(signal.SIGCHLD, signal.SIG_DFL) first"
                )
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _was_ignored = True
        _users += 1
    try:
        yield
    finally:
        with _turn:
            _users -= 1
            if _was_ignored and not _users and threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGCHLD, signal.SIG_IGN)
                _was_ignored = False
                _reap()


def _reap() -> None:
    """Reap the children that have ended, as the kernel does itself while the signal is ignored."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
