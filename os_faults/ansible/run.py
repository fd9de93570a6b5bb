"""One run of ansible-runner, in a thread."""

from __future__ import annotations

import queue
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from os_faults.ansible import events
from os_faults.ansible.event_guard import guarded
from os_faults.ansible.leftovers import end_leftovers
from os_faults.ansible.pexpect_patch import end_promptly
from os_faults.ansible.protocol import Event, Watcher
from os_faults.model import Result

# pexpect forks in our thread; Python 3.12 warns of that, the child only calls exec.
warnings.filterwarnings("ignore", message=".*use of forkpty.*", category=DeprecationWarning)


class LocalRun:
    """One run of ansible-runner in a thread: start, events, stop, result."""

    #: The run has no workers.
    shares: Mapping[str, list[str]] = MappingProxyType({})

    def __init__(self, config: Any) -> None:
        from ansible_runner import runner as engine

        end_promptly(engine)
        engine_class = guarded(engine)
        self.events: list[Event] = []
        self.crash: BaseException | None = None
        self._cancelled = threading.Event()
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._engine = engine_class(config, event_handler=self._queue_event, cancel_callback=self._cancelled.is_set)
        self._thread = threading.Thread(target=self._work, name="os-faults-run", daemon=True)

    @property
    def forks(self) -> int:
        """The number of nodes at a time."""
        return int(self._engine.config.forks)

    @property
    def timed_out(self) -> bool:
        """Whether the run was stopped at its deadline."""
        return bool(self._engine.status == "timeout")

    def follow(self, watch: Watcher | None) -> None:
        """Start the run and wait for its end; interruptible at any time."""
        self._thread.start()
        while (event := self._queue.get()) is not None:
            self.events.append(event)
            if watch is not None:
                watch(event)
        self._thread.join()

    def stop(self) -> None:
        """End the run's processes, in bounded time, even if an interruption comes meanwhile."""
        self._cancelled.set()
        try:
            if self._thread.ident is not None:
                self._thread.join(timeout=10)
        finally:
            self.clear()

    def clear(self) -> None:
        """End the leftovers of a stopped run."""
        end_leftovers(Path(self._engine.config.artifact_dir))

    def error(self) -> str:
        """Return why the run as a whole failed; "" when the results of the nodes have the reasons."""
        finished = any(event.get("event") == "playbook_on_stats" for event in self.events)
        if finished and self._engine.rc in (0, 2, 4):
            return ""
        output = "".join(str(event.get("stdout", "")) + "\n" for event in self.events)
        return events.recap(output) or f"ansible-playbook ended with {self._engine.rc} and no statistics"

    def report(self, result: Result) -> Result:
        """Return a result with the entries of the nodes."""
        return events.with_events(result, self._in_order(), self._engine.suspects) if not self.crash else result

    def _in_order(self) -> list[Event]:
        """Return the events in the order of their time; recovered events came last."""
        if not self._engine.recovered:
            return self.events
        return sorted(self.events, key=lambda event: str(event.get("created", "")))

    def _queue_event(self, event: Event) -> bool:
        self._queue.put(event)
        return True  # else ansible-runner writes no event and its statistics stay empty

    def _work(self) -> None:
        try:
            self._engine.run()
        except BaseException as crash:  # noqa: BLE001 - handed to the caller's thread
            self.crash = crash
        finally:
            self._queue.put(None)
