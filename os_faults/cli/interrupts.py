"""Ctrl-C, SIGTERM and a closed terminal: what runs is taken back, then the command ends."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from os_faults.faults.interruption import Interrupted

_HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def heard() -> Iterator[None]:
    """Let the first signal take back what runs, a second Ctrl-C stop waiting for that, and a third leave at once.

    Only a person counts: a terminal that closes and ``timeout`` send their signal twice, and mean one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    count = 0

    def hear(number: int, _frame: FrameType | None) -> None:
        nonlocal count
        if count and number != signal.SIGINT:
            return
        count += 1
        if count > 2:
            os._exit(128 + number)  # no clean-up can hold it: the next session sweeps the private directory
        raise Interrupted(number, patient=count == 1)

    # A signal that is ignored (nohup, a shell's background job) stays ignored.
    before = {number: signal.getsignal(number) for number in _HEARD}
    ours = {number: old for number, old in before.items() if old is not signal.SIG_IGN}
    for number in ours:
        signal.signal(number, hear)
    try:
        yield
    finally:
        for number, old in ours.items():
            signal.signal(number, old)
