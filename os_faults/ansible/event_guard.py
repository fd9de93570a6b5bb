"""Drops the events that a host has forged in ansible-runner's output, and recovers the events that they hid.

ansible-runner's callback writes each event to a file, and marks the start of its text in the output of
``ansible-playbook``. The same output has text of hosts, so a host can print such marks. Hence a mark counts only if its
file exists, as no host can write such a file; and a file counts even if its mark was destroyed.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

LOG = logging.getLogger(__name__)

_UUID = re.compile(r"[0-9a-f-]{36}")
_MARK = re.compile(r"\x1b\[K([A-Za-z0-9+/=]{4,78}\x1b\[[0-9]{1,2}D)\x1b\[K")
"""A mark of the callback: ``{"uuid": …}`` or ``{}`` in one piece; a longer one is text of a host."""
_FORGED = re.compile(r"\x1b\[K(?:[A-Za-z0-9+/=]+\x1b\[[0-9]+D)+\x1b\[K")
"""A longer mark, which ansible-runner would accept too."""
_PARTIAL = "-partial.json"
#: The most characters to search again for marks with each new output; and more characters than a mark has.
_SEARCHED, _MARK_LENGTH = 100_000, 1_000
#: The most pieces of output without an event that become events; further ones are only in the output file.
_LOOSE = 1_000


def guarded(module: ModuleType) -> Any:
    """Return a subclass of ``ansible_runner.runner.Runner`` that drops events forged by hosts.

    It replaces only the name ``OutputEventFilter`` in that one module, and only our runners behave differently. It is
    safe to repeat.

    Args:
        module: ``ansible_runner.runner``.
    """
    names = vars(module)
    engine = _engine_of(names["Runner"])
    usual = names["OutputEventFilter"]
    if not hasattr(usual, "instead"):
        names["OutputEventFilter"] = _Chooser(usual, _filter_of(usual))
    return engine


class _Chooser:
    """Replaces the class ``OutputEventFilter``, and makes guarded filters for our runners only."""

    def __init__(self, usual: Any, instead: Any) -> None:
        self.usual = usual
        self.instead = instead

    def __call__(self, handle: Any, event_callback: Any, *args: Any, **options: Any) -> Any:
        ours = hasattr(getattr(event_callback, "__self__", None), "note_forged")
        return (self.instead if ours else self.usual)(handle, event_callback, *args, **options)


def _filter_of(base: Any) -> Any:
    class Filter(base):  # type: ignore[misc]
        """Finds the marks of events in the output, and accepts only those of the callback."""

        EVENT_DATA_RE = _MARK
        _buffer: Any
        _current_event_data: Any
        _loose = 0

        def __init__(self, handle: Any, event_callback: Any, *args: Any, **options: Any) -> None:
            super().__init__(handle, event_callback, *args, **options)
            self._guard = event_callback.__self__  # the engine of this output

        def write(self, data: str) -> None:
            """Take output; of endless output of a host, only the latest part is searched for marks."""
            super().write(data)
            if "\x1b[K" in data and self._buffer.tell() > _SEARCHED:
                latest = self._buffer.getvalue()[-_MARK_LENGTH:]
                self._buffer = type(self._buffer)()
                self._buffer.write(latest)

        def _emit_event(self, buffered_stdout: str, next_event_data: Any = None) -> Any:
            if next_event_data and not self._guard.wrote(next_event_data):
                self._guard.note_forged(self._current_event_data)
                next_event_data = {}
            if "\x1b[K" in buffered_stdout and _FORGED.search(buffered_stdout):
                self._guard.note_forged(self._current_event_data)
            if not self._current_event_data and buffered_stdout:
                self._loose += 1 + buffered_stdout.count("\n")
                if self._loose > _LOOSE:
                    self._current_event_data = next_event_data or None
                    return {"stdout": buffered_stdout.rstrip("\r\n")}
            return super()._emit_event(buffered_stdout, next_event_data)

    return Filter


def _engine_of(base: Any) -> Any:
    class Guarded(base):  # type: ignore[misc]
        """Passes on each event that the callback wrote, once.

        Attributes:
            recovered: number of events whose mark in the output was destroyed.
            suspects: the known hosts with forged marks in their output.
        """

        recovered = 0
        _forged = 0
        _counter = 0

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.suspects: set[str] = set()

        def wrote(self, mark: Any) -> bool:
            """Return whether the callback has written the event of a mark."""
            plain = isinstance(mark, Mapping) and mark.keys() == {"uuid"} and _UUID.fullmatch(str(mark["uuid"]))
            return bool(plain) and self._partial(mark["uuid"]).is_file()

        def note_forged(self, event: Mapping[str, Any] | None) -> None:
            """Note a forged mark in the text of an event."""
            self._forged += 1
            data = self._content(self._partial(event["uuid"])).get("event_data") if event else None
            if data and "host" in data:
                self.suspects.add(str(data["host"]))

        def event_callback(self, event_data: dict[str, Any]) -> None:
            """Count an event, and pass it on."""
            self._counter = event_data.get("counter", self._counter)
            super().event_callback(event_data)

        def run(self) -> Any:
            """Run to the end, and pass on the events whose marks were destroyed."""
            done = super().run()
            for uuid in self._hidden():
                self.recovered += 1
                nothing = {"stdout": "", "start_line": 0, "end_line": 0}
                self.event_callback({"uuid": uuid, "counter": self._counter + 1, **nothing})
            if self._forged or (self.recovered and self._ended_by_itself()):
                LOG.warning(
                    "%s tried to speak for other hosts in the output of this run: %d forged events were dropped, "
                    "%d that they hid were found again",
                    *(", ".join(sorted(self.suspects)) or "a host", self._forged, self.recovered),
                )
            return done

        def _ended_by_itself(self) -> bool:
            """Return whether Ansible was not stopped; else the mark of its last event may not have come yet."""
            return self.status in ("successful", "failed") and self.rc is not None

        def _partial(self, uuid: str) -> Path:
            return Path(self.config.artifact_dir, "job_events", uuid + _PARTIAL)

        def _content(self, path: Path) -> Mapping[str, Any]:
            try:
                content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError, RecursionError):
                return {}
            return content

        def _hidden(self) -> list[str]:
            """Return the uuids of the events that were written and not passed on, in the order of their time."""
            left = self._partial("*").parent.glob("*" + _PARTIAL)
            times = {path.name.removesuffix(_PARTIAL): str(self._content(path).get("created")) for path in left}
            return sorted(times, key=lambda uuid: times[uuid])

    return Guarded
