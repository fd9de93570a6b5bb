"""Interruptions of a program in the middle of a fault, and the sentences about faults that are left."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable


class Interrupted(KeyboardInterrupt):
    """A signal asked the program to end.

    Args:
        number: the number of the signal.
        patient: whether the program may first undo what it has begun.

    Attributes:
        exit_code: 128 plus the signal's number, as in shells: 130 for Ctrl-C, 143 for SIGTERM.
    """

    def __init__(self, number: int, *, patient: bool = True) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.exit_code = 128 + number
        self.patient = patient


def is_patient(interruption: BaseException) -> bool:
    """Return whether the program waits for the rollback before it passes an interruption on."""
    return not isinstance(interruption, Interrupted) or interruption.patient


def add_notes(interruption: BaseException, sentences: Iterable[str]) -> None:
    """Add notes about the faults that are left; the command line and tracebacks print them."""
    for sentence in sentences:
        interruption.add_note(sentence)


def end_of_fault(seconds: float | None) -> str:
    """Return how a fault that is left ends, as the end of a sentence.

    Args:
        seconds: seconds until the node undoes it itself; None when it does not.

    Example:
        >>> end_of_fault(None)
        "only 'os-faults heal' takes it back"
    """
    if seconds is None:
        return "only 'os-faults heal' takes it back"
    return f"the node takes it back by itself at {time.strftime('%H:%M:%S', time.localtime(time.time() + seconds))}"
