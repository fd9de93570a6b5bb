"""Ctrl-C, SIGTERM and a closed terminal: what runs is taken back, then the command ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

_HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal asked the command to end.

    Attributes:
        exit_code: 128 and the signal's number, as shells have it: 130 for Ctrl-C, 143 for SIGTERM.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.exit_code = 128 + number


@contextmanager
def heard() -> Iterator[None]:
    """Let the first signal interrupt, the second only warn, and the third give up for good.

    So a hasty second Ctrl-C does not stop the undo that the first one started.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    count = 0

    def hear(number: int, _frame: FrameType | None) -> None:
        nonlocal count
        count += 1
        if count == 2:
            click.echo("os-faults: taking back what was begun; once more to stop without that", err=True)
        else:
            raise Interrupted(number)

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
