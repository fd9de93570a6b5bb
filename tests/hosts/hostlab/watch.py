"""A client that asks all the time, and knows when it was let down."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from hostlab.waiting import wait_for


class Watch:
    """Asks again and again from the start to the end of a ``with`` block.

    Args:
        answers: asks once, bounded, and tells whether there was an answer.
    """

    def __init__(self, answers: Callable[[], bool]) -> None:
        self._answers = answers
        self._heard: list[tuple[float, bool]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_for(lambda: self._heard, "the client has asked once", 10)
        assert self._heard[0][1], "the service does not answer before anything was done to it"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(timeout=10)

    def await_answer(self, within: float) -> None:
        """Wait until the service answers a question that was asked after this call."""
        now = time.monotonic()
        wait_for(lambda: any(ok and at > now for at, ok in self._heard[-5:]), "the service answers again", within)

    @property
    def outage(self) -> float:
        """The longest time in seconds between two answers with a failure between them; 0 when none failed."""
        longest, last, failed = 0.0, self._heard[0][0], False
        for at, ok in list(self._heard):
            if not ok:
                failed = True
            else:
                longest, last, failed = (max(longest, at - last) if failed else longest), at, False
        return longest

    def _work(self) -> None:
        while not self._over.is_set():
            asked = time.monotonic()
            self._heard.append((asked, self._answers()))
            self._over.wait(0.05)
