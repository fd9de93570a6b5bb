"""Ctrl-C, SIGTERM and a closed terminal: the running action is undone, then the command ends."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from os_faults.faults.interruption import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def handled() -> Iterator[None]:
    """Handle signals: the first one undoes the running action, a second Ctrl-C ends the wait, a third exits at once.

    After the first signal only Ctrl-C counts: a closing terminal and ``timeout`` send their signal twice for one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    count = 0

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal count
        if count and number != signal.SIGINT:
            return
        count += 1
        if count > 2:
            os._exit(128 + number)  # without clean-up: the next session removes the private directory
        raise Interrupted(number, patient=count == 1)

    # A signal that is ignored (nohup, a shell's background job) stays ignored.
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    ours = {number: old for number, old in before.items() if old is not signal.SIG_IGN}
    for number in ours:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, old in ours.items():
            signal.signal(number, old)
