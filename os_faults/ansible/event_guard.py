"""Events that a host has forged in ansible-runner's output: they are dropped, and what they hid is found again.

ansible-runner's callback writes each event to a file, and marks in the output of ``ansible-playbook`` where its text
begins. Ansible prints in the same output what hosts say, so a host can print such marks. Hence a mark counts only when
its file is there, which no host can write; and a file counts also when its mark was spoiled.
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
"""A mark as the callback writes it: ``{"uuid": …}`` or ``{}`` is one piece; what is longer is text of a host."""
_FORGED = re.compile(r"\x1b\[K(?:[A-Za-z0-9+/=]+\x1b\[[0-9]+D)+\x1b\[K")
"""What ansible-runner would take for one all the same."""
_PARTIAL = "-partial.json"
#: Characters that are searched for marks again with each new one; and more than a mark of the callback has.
_SEARCHED, _MARK_LENGTH = 100_000, 1_000
#: Pieces of output of no event that become events of their own; the others are in the file of the output only.
_LOOSE = 1_000


def guarded(module: ModuleType) -> Any:
    """Return the class ``Runner`` of ``ansible_runner.runner`` that believes no event of a host.

    Only the name ``OutputEventFilter`` in that one module is changed, and nothing for runners that are not ours. It is
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
    """Stands for the class ``OutputEventFilter``, and makes guarded ones for our runners only."""

    def __init__(self, usual: Any, instead: Any) -> None:
        self.usual = usual
        self.instead = instead

    def __call__(self, handle: Any, event_callback: Any, *args: Any, **options: Any) -> Any:
        ours = hasattr(getattr(event_callback, "__self__", None), "note_forged")
        return (self.instead if ours else self.usual)(handle, event_callback, *args, **options)


def _filter_of(base: Any) -> Any:
    class Filter(base):  # type: ignore[misc]
        """Finds the marks of events in the output, and takes only those that the callback has written."""

        EVENT_DATA_RE = _MARK
        _buffer: Any
        _current_event_data: Any
        _loose = 0

        def __init__(self, handle: Any, event_callback: Any, *args: Any, **options: Any) -> None:
            super().__init__(handle, event_callback, *args, **options)
            self._guard = event_callback.__self__  # the engine that this output is of

        def write(self, data: str) -> None:
            """Take output; of what a host prints without an end only the latest part is searched for marks."""
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
        """Hands on each event that the callback wrote, once.

        Attributes:
            recovered: how many events had no mark in the output any more.
            suspects: the hosts in whose output there were forged marks, as far as they are known.
        """

        recovered = 0
        _forged = 0
        _counter = 0

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.suspects: set[str] = set()

        def wrote(self, mark: Any) -> bool:
            """Return whether the callback has written the event that a mark in the output names."""
            plain = isinstance(mark, Mapping) and mark.keys() == {"uuid"} and _UUID.fullmatch(str(mark["uuid"]))
            return bool(plain) and self._partial(mark["uuid"]).is_file()

        def note_forged(self, event: Mapping[str, Any] | None) -> None:
            """Note that the text of an event holds a mark that the callback has not written."""
            self._forged += 1
            data = self._content(self._partial(event["uuid"])).get("event_data") if event else None
            if data and "host" in data:
                self.suspects.add(str(data["host"]))

        def event_callback(self, event_data: dict[str, Any]) -> None:
            """Count an event, and hand it on."""
            self._counter = event_data.get("counter", self._counter)
            super().event_callback(event_data)

        def run(self) -> Any:
            """Run to the end, and hand on the events whose marks were spoiled."""
            done = super().run()
            for uuid in self._unheard():
                self.recovered += 1
                nothing = {"stdout": "", "start_line": 0, "end_line": 0}
                self.event_callback({"uuid": uuid, "counter": self._counter + 1, **nothing})
            if self._forged or self.recovered:
                LOG.warning(
                    "%s tried to speak for other hosts in the output of this run: %d forged events were dropped, "
                    "%d that they hid were found again",
                    *(", ".join(sorted(self.suspects)) or "a host", self._forged, self.recovered),
                )
            return done

        def _partial(self, uuid: str) -> Path:
            return Path(self.config.artifact_dir, "job_events", uuid + _PARTIAL)

        def _content(self, path: Path) -> Mapping[str, Any]:
            try:
                content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError, RecursionError):
                return {}
            return content

        def _unheard(self) -> list[str]:
            """Return the uuids of the events that were written and not handed on, in the order of their time."""
            left = self._partial("*").parent.glob("*" + _PARTIAL)
            times = {path.name.removesuffix(_PARTIAL): str(self._content(path).get("created")) for path in left}
            return sorted(times, key=lambda uuid: times[uuid])

    return Guarded
