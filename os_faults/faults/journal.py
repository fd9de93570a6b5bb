"""The controller's journal: the history of faults, with owner, node, time and state.

A node reports and undoes its own faults. The journal is for nodes that are off or don't answer.

Each cloud has one file of JSON lines. A line is one event of a fault; the last line of a fault counts. The line
``intended`` is on the disk before the act, so the journal has it even if the controller dies in the middle.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, BinaryIO

from os_faults.system import files
from os_faults.system.text import is_text, printable

LOG = logging.getLogger(__name__)

INTENDED, INJECTED, HELD, ENDED = "intended", "injected", "held", "ended"

_SCHEMA = 1
#: A file with more bytes than this is reduced to the faults that are not ended.
_ENOUGH = 64 * 1024
#: Most bytes of a line, and most characters of each text in it; a longer line is not ours.
_LINE, _TEXT = 512 * 1024, 4096
#: The latest time that counts as valid, seconds since the epoch: the end of the year 9999.
_LATEST = 253_402_214_400.0


@dataclass(frozen=True)
class Entry:
    """A line of the journal.

    Attributes:
        node: name of the node.
        address: its address.
        id: id of the fault on this node.
        verb: the verb that injects it.
        subject: its target.
        undo: the verb that undoes it.
        from_outside: whether it acts on the machine of the node; else the node undoes it itself.
        state: ``intended`` before the act; then ``injected`` when the node holds it, or ``held`` when the node is off
            or cut off; ``ended`` when the controller has seen the undo.
        since: its start, seconds since the epoch.
        until: its own end, seconds since the epoch; None when it does not end by itself.
        deadline: deadline of the run that injects it, seconds since the epoch.
        by: its owner, ``user@controller``.
        run: name of the directory of the run that injects it; "" before there is one.
    """

    node: str
    address: str
    id: str
    verb: str
    subject: str
    undo: str
    from_outside: bool
    state: str
    since: float
    until: float | None
    deadline: float
    by: str
    run: str


def open_faults(lines: Iterable[str], now: float) -> list[Entry]:
    """Return the last entry of each fault that is not over, in the order of their start.

    Args:
        lines: the lines of a journal; torn and foreign lines are skipped.
        now: seconds since the epoch.
    """
    last = {(entry.node, entry.id): entry for entry in map(_parsed, lines) if entry is not None}
    left = [entry for entry in last.values() if entry.state != ENDED and (entry.until is None or entry.until > now)]
    return sorted(left, key=lambda entry: (entry.since, entry.node))


class Journal:
    """The journal of one cloud.

    Args:
        path: path of the file, which need not exist; None keeps the lines in this object only.

    Attributes:
        unreadable: a sentence with the reason when the last read failed; "" when it succeeded.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._kept: list[str] = []
        self.unreadable = ""

    def open(self, now: float) -> list[Entry]:
        """Return the faults that are not over, see `open_faults`.

        An unreadable journal is logged once, and raises nothing: the cloud can still be discovered and healed.
        """
        if self._path is None:
            return open_faults(self._kept, now)
        before, self.unreadable = self.unreadable, ""
        try:
            return open_faults(_read(self._path), now)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            self.unreadable = (
                f"can't read the journal of this cloud, {self._path} ({error.strerror}), so the nodes that were "
                "powered off or cut off from here are not known; 'os-faults nodes --power' shows which are off"
            )
        if self.unreadable != before:
            LOG.warning("%s", self.unreadable)
        return []

    def ids(self) -> set[str]:
        """Return the ids of all faults in the journal, also of those that are over; none when it can't be read."""
        try:
            lines = list(_read(self._path)) if self._path else self._kept
        except OSError:
            return set()
        return {entry.id.replace(" ", "-") for entry in map(_parsed, lines) if entry is not None}

    def write(self, entries: Iterable[Entry], now: float) -> None:
        """Add lines; they are on the disk when this returns.

        Values that could not be read again are changed: texts become printable, and an end that is no time is dropped.

        Args:
            entries: the lines; if there are none, nothing is done.
            now: seconds since the epoch.

        Raises:
            OSError: the file can't be written.
        """
        entries = [_sound(entry, now) for entry in entries]
        if self._path is None:
            self._kept += _lines(entries, now)
        elif entries:
            with files.locked(self._path):
                _append(self._path, _lines(entries, now))
                if self._path.stat().st_size > _ENOUGH:
                    files.replace(self._path, "".join(_lines(open_faults(_read(self._path), now), now)))


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LATEST


#: The fields of an entry that are not texts, and the check of each.
_CHECKS: Mapping[str, Callable[[object], bool]] = {
    "from_outside": lambda value: isinstance(value, bool),
    "since": _is_time,
    "until": lambda value: value is None or _is_time(value),
    "deadline": _is_time,
}


def _sound(entry: Entry, now: float) -> Entry:
    texts: dict[str, Any] = {
        name: printable(str(text))[:_TEXT] for name, text in asdict(entry).items() if name not in _CHECKS
    }
    return replace(
        entry,
        since=entry.since if _is_time(entry.since) else now,
        until=entry.until if _is_time(entry.until) else None,
        deadline=entry.deadline if _is_time(entry.deadline) else now,
        **texts,
    )


def _lines(entries: Iterable[Entry], now: float) -> list[str]:
    return [json.dumps({"schema": _SCHEMA, "at": now, **asdict(entry)}) + "\n" for entry in entries]


def _parsed(line: str) -> Entry | None:
    """Return the entry of a line; None if a crash cut the line off, or another version or program wrote it."""
    try:
        content = json.loads(line)
        entry = Entry(**{field.name: content[field.name] for field in fields(Entry)})
        known = content["schema"] == _SCHEMA
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    sound = all(_CHECKS.get(name, is_text)(value) for name, value in vars(entry).items())
    return entry if known and sound else None


def _read(path: Path) -> Iterator[str]:
    """Yield the lines of a file; an overlong line is skipped unread."""
    with files.opened(path) as file:
        while line := file.readline(_LINE):
            whole = line.endswith(b"\n") or len(line) < _LINE
            while not whole:
                rest = file.readline(_LINE)
                whole = rest.endswith(b"\n") or len(rest) < _LINE
                line = b""
            yield line.decode(errors="replace")


def _append(path: Path, lines: Iterable[str]) -> None:
    """Add lines at the end; a last line that a crash has cut off is ended first."""
    with open(path, "a+b", opener=_private) as file:
        file.seek(-1 if file.tell() else 0, os.SEEK_END)
        torn = file.read() not in (b"", b"\n")
        _put(file, "\n" * torn + "".join(lines))


def _put(file: BinaryIO, text: str) -> None:
    file.write(text.encode())
    file.flush()
    os.fsync(file.fileno())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
