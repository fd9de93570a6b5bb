"""The directories of earlier runs: which there are, what each did, and the removal of old ones."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from os_faults.ansible.artifacts import IDENT
from os_faults.errors import ArgumentError, did_you_mean
from os_faults.system.text import without_colours

#: The names that `os_faults.ansible.artifacts.made` gives; other directories are not ours.
_NAME = re.compile(r"([0-9]{8}T[0-9]{6})-[a-z_]*-[0-9a-f]{6}")


@dataclass(frozen=True)
class KeptRun:
    """The directory of an earlier run.

    Attributes:
        directory: its path.
        started: its start.
        record: the content of its ``os_faults.json``; empty when the run was only planned, is not finished or was
            killed.
    """

    directory: Path
    started: datetime
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """The word ``done`` or ``failed``; ``no record`` for a run without one."""
        return str(self.record.get("status", "no record"))

    @property
    def output(self) -> str | None:
        """The output of ``ansible-playbook``, without colours; None when there is none."""
        try:
            said = (self.directory / "artifacts" / IDENT / "stdout").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        return without_colours(said)


def kept_in(base: Path) -> list[KeptRun]:
    """Return the runs in a directory, the oldest first; none when the directory does not exist."""
    found = sorted(base.iterdir()) if base.is_dir() else []
    named = ((path, _NAME.fullmatch(path.name)) for path in found if path.is_dir() and not path.is_symlink())
    return [KeptRun(path, _time_of(name[1]), _record(path)) for path, name in named if name]


def find(base: Path, name: str) -> KeptRun:
    """Return a run by its name, by the beginning of its name if only one fits, or the ``last`` one.

    Raises:
        ArgumentError: there is no such run, or several fit.
    """
    runs = kept_in(base)
    if name == "last" and runs:
        return runs[-1]
    fitting = [run for run in runs if run.directory.name.startswith(name)]
    if len(fitting) != 1:
        why = f"{len(fitting)} begin so" if fitting else did_you_mean(name, [run.directory.name for run in runs][-5:])
        raise ArgumentError(f"no run {name!r} in {base}: {why}")
    return fitting[0]


def older(base: Path, than: datetime) -> list[KeptRun]:
    """Return the runs that began before a time, the oldest first."""
    return [run for run in kept_in(base) if run.started < than]


def remove(runs: Iterable[KeptRun]) -> None:
    """Remove runs.

    Raises:
        OSError: one can't be removed.
    """
    for run in runs:
        shutil.rmtree(run.directory)


def _time_of(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:  # digits that are no time: never old enough to be removed
        return datetime.max.replace(tzinfo=UTC)


def _record(directory: Path) -> Mapping[str, Any]:
    try:
        record = json.loads((directory / "os_faults.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
