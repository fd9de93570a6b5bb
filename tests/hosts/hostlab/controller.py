"""This machine, from which os_faults works: its processes and private files."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


def processes_with(marker: str) -> dict[int, str]:
    """Return the processes, but this one, in whose command line or environment a text occurs: pid → command line."""
    needle = marker.encode()
    found = {}
    for pid in _pids():
        command, environment = _read(pid, "cmdline"), _read(pid, "environ")
        if needle in command or needle in environment:
            found[pid] = command.replace(b"\0", b" ").decode(errors="replace").strip()
    return found


def files_with(secret: str, *directories: Path) -> list[Path]:
    """Return the files below directories whose content or name has a text in it."""
    needle = secret.encode()
    files = [path for directory in directories for path in directory.rglob("*") if path.is_file()]
    return [path for path in files if secret in path.name or needle in path.read_bytes()]


@dataclass
class Sightings:
    """Where a text was seen while processes ran."""

    places: set[str] = field(default_factory=set)
    samples: int = 0


@contextmanager
def watching_processes(secret: str) -> Iterator[Sightings]:
    """Look for a text in the arguments and environments of all processes until the end of the block."""
    sightings, over = Sightings(), threading.Event()
    needle = secret.encode()

    def look() -> None:
        while not over.wait(0.005):
            for pid in _pids():
                for kind in ("cmdline", "environ"):
                    if needle in _read(pid, kind):
                        sightings.places.add(f"{kind} of {_read(pid, 'comm').decode(errors='replace').strip()}")
            sightings.samples += 1

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield sightings
    finally:
        over.set()
        thread.join()


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
