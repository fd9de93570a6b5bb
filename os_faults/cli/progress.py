"""The progress of a run: one changing line on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from os_faults.system.text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from os_faults.cloud import Cloud

_FAILED = frozenset({"runner_on_failed", "runner_on_unreachable"})
_ENDS = frozenset({"runner_on_ok", "runner_on_skipped", *_FAILED})


class Progress:
    """Turns the events of a run into a line: the task, the number of finished nodes, and the nodes it waits for.

    Args:
        console: the console of the line.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._task = ""
        self._waiting: dict[str, None] = {}
        self._done: set[str] = set()
        self._nodes = 0
        self._failed: set[str] = set()
        self._begin = time.monotonic()

    def __call__(self, event: dict[str, Any]) -> None:
        """Take one event of a run."""
        kind, data = event.get("event"), event.get("event_data", {})
        host = str(data.get("host"))
        if kind == "run_start":
            self._nodes, self._begin = len(data["nodes"]), time.monotonic()
            self._failed.clear()
            self._task = ""
        elif kind == "playbook_on_task_start":
            if self._task != (task := str(data.get("name", ""))):  # several workers start the same task
                self._task, self._done = task, set(self._failed)  # nodes that failed before take no part in it
                self._waiting.clear()
        elif kind == "runner_on_start":
            self._waiting[host] = None
        elif kind in _ENDS:
            self._waiting.pop(host, None)
            self._done.add(host)
            if kind in _FAILED and not data.get("ignore_errors"):
                self._failed.add(host)
        if kind == "playbook_on_stats":
            self.stop()
        elif self._task:
            self._show()

    def line(self) -> str:
        """Return the current line."""
        names = list(self._waiting)
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        waiting = f", waiting for {', '.join(names[:3])}{more}" if names else ""
        failed = f", {len(self._failed)} failed" if self._failed else ""
        nodes = max(self._nodes, len(self._done) + len(names))
        return printable(
            f"{self._task}: {len(self._done)}/{nodes} nodes{failed}, {time.monotonic() - self._begin:.0f} s{waiting}"
        )

    def stop(self) -> None:
        """Remove the line."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _show(self) -> None:
        from rich.text import Text

        if self._status is None:
            self._status = self._console.status(Text(self.line()))
            self._status.start()
        else:
            self._status.update(Text(self.line()))


@contextmanager
def shown(cloud: Cloud) -> Iterator[None]:
    """Show the progress of all runs of a cloud, if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    progress = Progress(Console(stderr=True))
    cloud.watch = progress
    try:
        yield
    finally:
        cloud.watch = None
        progress.stop()
