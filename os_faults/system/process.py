"""What a program must have that starts others: three standard streams, and word of the end of its children."""

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
    """Put nothing in the place of the standard streams that this program was started without (``>&-``, a daemon).

    The next file that is opened would be standard output otherwise, and get what is printed.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    # Python has None for them, and pexpect and others ask for their methods.
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115 - for the program's lifetime
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


@contextmanager
def hearing_of_children() -> Iterator[None]:
    """Let the kernel tell how children end until the end of the block, also where SIGCHLD is ignored.

    A program inherits that from whoever started it. Nobody who waits for a child would ever get an answer then: neither
    this program, nor Ansible of its workers. Afterwards the signal is ignored again, as the host application had it.

    Raises:
        OSFError: it is ignored, and this is not the main thread, which alone can change that.
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
                _bury()


def _bury() -> None:
    """Do what the kernel had done meanwhile where the signal is ignored: nobody asks for children that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
