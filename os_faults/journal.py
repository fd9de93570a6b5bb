"""The controller's journal: who made which fault where and when, and what became of it.

A node tells itself what it holds, and takes it back; the journal speaks for nodes that are off or don't answer.

A file of JSON lines for each cloud. A line says what became of one fault, and the last line of a fault counts. The line
``intended`` is on the disk before anything is done, so a controller that dies in the middle has told what it was at.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

LOG = logging.getLogger(__name__)

INTENDED, INJECTED, HELD, ENDED = "intended", "injected", "held", "ended"

_SCHEMA = 1
#: Of what kind the fields of an entry are that are no text.
_KINDS: Mapping[str, Any] = {
    "from_outside": bool,
    "since": int | float,
    "until": int | float | None,
    "deadline": int | float,
}
#: Bytes from which on a file keeps only what is not ended yet.
_ENOUGH = 64 * 1024


@dataclass(frozen=True)
class Entry:
    """A line of the journal.

    Attributes:
        node: name of the node.
        address: its address.
        id: identity of the fault on this node.
        verb: what made it.
        subject: what it was done to.
        undo: the verb that takes it back.
        from_outside: whether it was done to the machine of the node; else the node takes it back itself.
        state: ``intended`` before the act; then ``injected`` when the node holds it, or ``held`` when it took the node
            away; ``ended`` when it was taken back and that was seen.
        since: when it began, seconds since the epoch.
        until: when it ends by itself, seconds since the epoch; None when it does not.
        deadline: when the run that was to make it is stopped, seconds since the epoch.
        by: who made it, ``user@controller``.
        run: name of the directory of the run that made it; "" before there is one.
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
    """Return the last word on each fault that is not over, in the order of their beginning.

    Args:
        lines: of a journal; what is torn or from elsewhere is passed over.
        now: seconds since the epoch.
    """
    last = {(entry.node, entry.id): entry for entry in map(_parsed, lines) if entry is not None}
    left = [entry for entry in last.values() if entry.state != ENDED and (entry.until is None or entry.until > now)]
    return sorted(left, key=lambda entry: (entry.since, entry.node))


class Journal:
    """The journal of one cloud.

    Args:
        path: of the file, which need not be there; None keeps the lines in this object only.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._kept: list[str] = []

    def open(self, now: float) -> list[Entry]:
        """Return the faults that are not over, see `open_faults`.

        A journal that can't be read is told in the log, and is no reason not to look at a cloud or to heal it.
        """
        if self._path is None:
            return open_faults(self._kept, now)
        try:
            return open_faults(_read(self._path), now)
        except FileNotFoundError:
            return []
        except OSError as error:
            LOG.warning("can't read the journal of this cloud, nodes that were powered off are not known: %s", error)
            return []

    def write(self, entries: Iterable[Entry], now: float) -> None:
        """Add lines; they are on the disk when this returns.

        Args:
            entries: the lines; without any, nothing is done.
            now: seconds since the epoch.

        Raises:
            OSError: the file can't be written.
        """
        entries = list(entries)
        if self._path is None:
            self._kept += _lines(entries, now)
        elif entries:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _locked(self._path):
                _append(self._path, _lines(entries, now))
                if self._path.stat().st_size > _ENOUGH:
                    _replace(self._path, _lines(open_faults(_read(self._path), now), now))


def _lines(entries: Iterable[Entry], now: float) -> list[str]:
    return [json.dumps({"schema": _SCHEMA, "at": now, **asdict(entry)}) + "\n" for entry in entries]


def _parsed(line: str) -> Entry | None:
    """Return what a line says; None when it was cut off by a crash, or is from another version."""
    try:
        told = json.loads(line)
        entry = Entry(**{field.name: told[field.name] for field in fields(Entry)})
        known = told["schema"] == _SCHEMA
    except (ValueError, KeyError, TypeError):
        return None
    sound = all(isinstance(told[field.name], _KINDS.get(field.name, str)) for field in fields(Entry))
    return entry if known and sound else None


def _read(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other writers away; the lock is a file of its own, as the journal may be replaced."""
    descriptor = os.open(path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _append(path: Path, lines: Iterable[str]) -> None:
    """Add lines at the end; what a crash has cut off there must not take the first of them with it."""
    with open(path, "a+b", opener=_private) as file:
        file.seek(-1 if file.tell() else 0, os.SEEK_END)
        torn = file.read() not in (b"", b"\n")
        _put(file, "\n" * torn + "".join(lines))


def _replace(path: Path, lines: Iterable[str]) -> None:
    fresh = path.with_suffix(".new")
    with open(fresh, "wb", opener=_private) as file:
        _put(file, "".join(lines))
    fresh.replace(path)


def _put(file: BinaryIO, text: str) -> None:
    """Write a text, and return when it is on the disk."""
    file.write(text.encode())
    file.flush()
    os.fsync(file.fileno())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
