"""What interrupts a program in the middle of a fault, and what is told of a fault that is not waited for."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable


class Interrupted(KeyboardInterrupt):
    """A signal asked the program to end.

    Args:
        number: of the signal.
        patient: whether the program may first take back what it has begun.

    Attributes:
        exit_code: 128 and the signal's number, as shells have it: 130 for Ctrl-C, 143 for SIGTERM.
    """

    def __init__(self, number: int, *, patient: bool = True) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.exit_code = 128 + number
        self.patient = patient


def is_patient(interruption: BaseException) -> bool:
    """Return whether what was begun is taken back before an interruption is passed on."""
    return not isinstance(interruption, Interrupted) or interruption.patient


def tell(interruption: BaseException, sentences: Iterable[str]) -> None:
    """Let an interruption say what it leaves behind; the command line prints it, and so does a traceback."""
    for sentence in sentences:
        interruption.add_note(sentence)


def ends(seconds: float | None) -> str:
    """Return when and by whom a fault that nobody waits for is taken back.

    Args:
        seconds: until the node does it itself; None when it does not.

    Example:
        >>> ends(None)
        "only 'os-faults heal' takes it back"
    """
    if seconds is None:
        return "only 'os-faults heal' takes it back"
    return f"the node takes it back by itself at {time.strftime('%H:%M:%S', time.localtime(time.time() + seconds))}"
