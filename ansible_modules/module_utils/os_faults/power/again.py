"""The rule for asking a machine again: after which errors, after which pause, and until when.

A management controller or hypervisor may be busy, restart, or have no free session. Each protocol sorts its errors into
five kinds. This module decides what follows from a kind, for all protocols alike.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import Callable, Mapping, NamedTuple, TypeVar

from ansible.module_utils.os_faults import errors

T = TypeVar("T")

BUSY = "busy"
"""The machine can't do it now. Nothing has happened."""

ABSENT = "absent"
"""The machine was not reached. Nothing has happened."""

LOST = "lost"
"""The answer is missing or makes no sense. The request may have arrived, and the action may have happened."""

DENIED = "denied"
"""The machine refuses the login. Each further attempt brings the account closer to a lock-out."""

REFUSED = "refused"
"""The machine refuses the request, and will refuse it again."""

TRIES: Mapping[str, tuple[float, float]] = {
    BUSY: (math.inf, math.inf),
    ABSENT: (3, math.inf),
    LOST: (3, math.inf),
    DENIED: (1, 3),
    REFUSED: (1, 1),
}
"""Kind of trouble → the highest number of tries, for a machine that never answered and for one that has."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 5.0
"""Seconds before a question is asked again: the first pause, which doubles each time, and the longest."""

FIRST_LOOK = 0.2
"""Seconds between the first two looks at a machine that changes; they double each time."""


class Trouble(errors.PowerError):
    """A question had no useful answer.

    Args:
        message: the sentence for a person.
        kind: one of `TRIES`.
        after: seconds for which the machine asks to be left alone (``Retry-After``).
    """

    def __init__(self, message: str, kind: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.kind = kind
        self.after = after


class Asked(NamedTuple):
    """The state of a question that had no useful answer.

    Attributes:
        number: times that it was asked, at least 1.
        times: times that it ended in this kind of trouble.
        heard: whether the machine has answered before.
        took: seconds that the last try took.
        left: seconds until the deadline.
    """

    number: int
    times: int
    heard: bool
    took: float
    left: float


def pause_before_next(kind: str, after: float, asked: Asked) -> float | None:
    """Return the seconds until a question is asked again; None when it is not.

    A slow machine is left alone for as long as it took, and no pause goes past the deadline: the last question is asked
    there. A pause that the machine asks for is never cut short.

    >>> pause_before_next(BUSY, 0, Asked(number=2, times=2, heard=True, took=0.1, left=60))
    2.0
    >>> pause_before_next(BUSY, 30, Asked(number=1, times=1, heard=True, took=0.1, left=60))
    30
    >>> pause_before_next(BUSY, 90, Asked(number=1, times=1, heard=True, took=0.1, left=60))
    >>> pause_before_next(ABSENT, 0, Asked(number=3, times=3, heard=False, took=0.1, left=60))
    """
    if asked.times >= TRIES[kind][asked.heard] or asked.left <= 0 or after > asked.left:
        return None
    if not asked.heard and asked.took > asked.left:
        return None  # its patience would be over before the next one is
    return max(after, min(_grown(FIRST_PAUSE, asked.number, asked.took, LONGEST_PAUSE), asked.left))


def pause_between_looks(number: int, took: float, distance: float) -> float:
    """Return the seconds between two looks at a machine that is not yet as it should be.

    Args:
        number: how many looks there were.
        took: seconds that the last look took.
        distance: the longest pause, if the machine answers at once.

    >>> [pause_between_looks(number, 0.0, 2.0) for number in (1, 2, 3, 4, 5)]
    [0.2, 0.4, 0.8, 1.6, 2.0]
    >>> pause_between_looks(1, 3.0, 2.0)
    3.0
    """
    return max(min(took, LONGEST_PAUSE), _grown(FIRST_LOOK, number, 0.0, distance))


def _grown(first: float, number: int, took: float, longest: float) -> float:
    """Return a pause that doubles with each question; a slow machine has a longer one."""
    return min(max(first * 2.0 ** min(number - 1, 10), took), longest)


class Asker:
    """Asks a machine until it answers, or until it is no use to ask again.

    Args:
        timeout: seconds until the deadline.
        patience: seconds in which a machine that was never heard must answer.
        distance: seconds between two looks at a machine that changes, at most.
        clock: returns the time in seconds.
        sleep: waits for some seconds.

    Attributes:
        deadline: when the last question is asked, by ``clock``.
        heard: whether the machine has answered.
    """

    def __init__(
        self,
        timeout: float,
        patience: float,
        distance: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.clock, self._sleep, self._distance = clock, sleep, distance
        self.deadline = clock() + timeout
        self._audible = min(self.deadline, clock() + patience)
        self._lost = 0.0
        self.heard = False

    def restart(self, timeout: float) -> float:
        """Set the deadline to ``timeout`` seconds from now, less what was lost to troubles; return these seconds."""
        left = max(timeout - self._lost, 0.0)
        self.deadline = self.clock() + left
        return left

    def ask(self, question: Callable[[], T]) -> T:
        """Return what ``question()`` returns.

        Raises:
            Trouble: it raised one, and it is no use to ask again, or the deadline has passed.
        """
        number, first = 0, self.clock()
        times: Counter[str] = Counter()
        while True:
            number, begin = number + 1, self.clock()
            try:
                answer = question()
            except Trouble as trouble:
                now = self.clock()
                self.heard = self.heard or trouble.kind == BUSY
                until = self.deadline if self.heard else self._audible
                times[trouble.kind] += 1
                asked = Asked(number, times[trouble.kind], self.heard, now - begin, until - now)
                pause = pause_before_next(trouble.kind, trouble.after, asked)
                if pause is None:
                    raise _final(trouble, asked, now - first) from trouble
                self._sleep(pause)
            else:
                self.heard = True
                self._lost += begin - first
                return answer

    def until(self, look: Callable[[], object]) -> bool:
        """Ask ``look()`` until it returns something true, at least once; return whether it did before the deadline.

        Raises:
            Trouble: as `ask`.
        """
        number = 0
        while True:
            number, begin = number + 1, self.clock()
            if self.ask(look):
                return True
            now = self.clock()
            if now >= self.deadline:
                return False
            self._sleep(min(pause_between_looks(number, now - begin, self._distance), self.deadline - now))


def _final(trouble: Trouble, asked: Asked, seconds: float) -> Trouble:
    """Return the trouble with the reason why it is the last one."""
    more = ""
    if trouble.after > max(asked.left, 0):
        more = f"; it wants to be asked again in {trouble.after:g} s, but only {max(asked.left, 0):.0f} s are left"
    elif trouble.kind == BUSY:
        more = f"; it was asked {asked.number:d} times in {seconds:.0f} s"
    return Trouble(f"{trouble}{more}", trouble.kind, trouble.after)
