"""What a person sees while waiting: one changing line on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from os_faults.cloud import Cloud

_ENDS = frozenset({"runner_on_ok", "runner_on_failed", "runner_on_unreachable", "runner_on_skipped"})


class Progress:
    """Turns the events of a run into a line: the task, how many nodes have done it, and whom it waits for.

    Args:
        console: where the line is shown.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._task = ""
        self._waiting: dict[str, None] = {}
        self._done = 0

    def __call__(self, event: dict[str, Any]) -> None:
        """Take one event of ansible-runner."""
        kind, data = event.get("event"), event.get("event_data", {})
        if kind == "playbook_on_task_start":
            self._task, self._done = str(data.get("name", "")), 0
            self._waiting.clear()
        elif kind == "runner_on_start":
            self._waiting[str(data.get("host"))] = None
        elif kind in _ENDS:
            self._waiting.pop(str(data.get("host")), None)
            self._done += 1
        if kind == "playbook_on_stats":
            self.stop()
        elif self._task:
            self._show()

    def line(self) -> str:
        """Return the line as it is now."""
        names = list(self._waiting)
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        waiting = f", waiting for {', '.join(names[:3])}{more}" if names else ""
        return f"{self._task}: {self._done} of {self._done + len(names)} nodes{waiting}"

    def stop(self) -> None:
        """Take the line away."""
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
    """Show the progress of everything that the cloud does, when stderr is a terminal."""
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
