"""The probe: sends requests to a web service all the time, and measures its outages."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass

INTERVAL = 0.05
"""Seconds between two requests."""

TIMEOUT = 0.5
"""Seconds after which a request without an answer has failed."""


@dataclass(frozen=True)
class Outage:
    """A time without an answer, by the monotonic clock.

    Attributes:
        began: time at which the first failed request was sent.
        ended: time of the next good answer; None while there is none.
    """

    began: float
    ended: float | None = None

    @property
    def seconds(self) -> float | None:
        """Its duration in seconds; None while it lasts."""
        return None if self.ended is None else self.ended - self.began


class Probe(threading.Thread):
    """Sends requests to a service on this machine all the time, in a separate thread.

    Args:
        port: port of the service on 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        super().__init__(name=f"probe-{port}", daemon=True)
        self._port = port
        self._news = threading.Condition()
        self._ended = threading.Event()
        self._outages: list[Outage] = []
        self._good = False
        self.requests = 0

    def run(self) -> None:
        """Send requests until `stop`."""
        while not self._ended.is_set():
            sent = time.monotonic()
            good = self._ask()
            self._note(good, sent, time.monotonic())
            self._ended.wait(INTERVAL)

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        if self.is_alive():
            self.join()

    def last(self, since: float) -> Outage | None:
        """Return the latest outage that began at or after ``since``; None when there was none."""
        with self._news:
            return next((outage for outage in reversed(self._outages) if outage.began >= since), None)

    def wait(self, *, answering: bool, seconds: float) -> bool:
        """Wait until the service answers, or does not answer; return whether that happened in time."""
        with self._news:
            return self._news.wait_for(lambda: self.requests > 0 and self._good is answering, seconds)

    def stays_away(self, seconds: float) -> bool:
        """Return whether all requests of the next ``seconds`` have no answer."""
        return not self.wait(answering=True, seconds=seconds)

    def _ask(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return answer.status == http.client.OK

    def _note(self, good: bool, sent: float, now: float) -> None:
        with self._news:
            if self._good and not good:
                self._outages.append(Outage(sent))
            elif good and self._outages and self._outages[-1].ended is None:
                self._outages[-1] = Outage(self._outages[-1].began, now)
            self._good = good
            self.requests += 1
            self._news.notify_all()
