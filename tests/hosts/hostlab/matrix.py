"""The crash matrix: every lasting fault, and everything that may happen to it; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from os_faults.actions.contract import Contract

COLUMNS: Mapping[str, str] = {
    "undo verb": "the verb that takes it back is called",
    "end of block": "the `with` block of the program ends",
    "heal": "`os-faults heal` is called by another process, which has no journal of what was done",
    "time": "nothing is done: its time passes",
    "Ctrl-C": "the controller gets SIGINT in the middle of the verb, when the fault is there",
    "SIGTERM": "the controller gets SIGTERM in the middle of the verb, when the fault is there",
    "SIGKILL during": "the controller gets SIGKILL in the middle of the injection, when the fault is there",
    "SIGKILL after": "the controller gets SIGKILL after the verb",
    "run cancelled": "the program that follows the run stops it, when the fault is there",
    "run timed out": "the run is stopped at its deadline, when the fault is there",
    "path cut": "ssh to the host is cut by `disable_network` of its management network, until its time passes",
    "inject fails": "a command of the injection fails after the one that made the fault",
    "daemon-reload": "`systemctl daemon-reload` and `daemon-reexec` after SIGTERM, then its time passes",
    "reboot": "the host reboots",
    "power": "the host loses its power and gets it back",
    "sshd killed": "all processes of sshd are killed after SIGKILL, then its time passes",
    "clock": "the clock of the host jumps, then its time passes",
}
"""Column → what happens. The first measures how long an injection takes here, so it stays the first."""

ESSENTIAL = frozenset({"undo verb", "time", "SIGKILL during", "SIGKILL after", "reboot"})
"""Columns which apply to every fault."""

_ONE_CLOCK = "the containers of the lab have the clock of the machine below them, which a test must not set"

CANNOT_APPLY: Mapping[str, str] = {"clock": _ONE_CLOCK}
"""Column → why none of its cells applies."""

NO_NETEM = "needs netem, which the kernel below the lab's containers lacks; its hold is that of `bandwidth`"

NO_CLOCK = "the clock of a container is that of the machine below; test_node_clock sees it in a guest"

NO_PODMAN = "the hosts of the matrix have no containers; test_containers sees it on those that have"

ELSEWHERE: Mapping[str, str] = {
    "latency": NO_NETEM,
    "loss": NO_NETEM,
    "skew_clock": NO_CLOCK,
    "pause": NO_PODMAN,
}
"""Lasting fault → why it is no row here."""


ENDS = ("heal_after", "duration")
"""Options with the seconds after which a fault ends. `terminate` has none: the service is down until it is started."""


def lasting(contracts: Iterable[Contract]) -> list[str]:
    """Return the verbs that leave a fault on the host which ends at a time of its own."""
    return [
        verb
        for contract in contracts
        if not (contract.from_outside or contract.read_only)
        for verb in contract.undone_by
        if any(option in contract.options and contract.takes(verb, option) for option in ENDS)
    ]


def rows(contracts: Iterable[Contract]) -> list[str]:
    """Return the faults that the matrix has a row for."""
    return [verb for verb in lasting(contracts) if verb not in ELSEWHERE]


@dataclass
class Matrix:
    """What was seen, cell by cell.

    Args:
        rows: the faults.
    """

    rows: list[str]
    cells: dict[tuple[str, str], str] = field(default_factory=dict)

    def holds(self, row: str, column: str, how: str) -> None:
        """The host was as before, and nothing of ours was left on it; ``how`` in few words."""
        self.cells[row, column] = how

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((row, column) for row in self.rows for column in COLUMNS)

    def missing(self) -> list[str]:
        """Return the cells that apply and were not seen to hold, a sentence each."""
        return [f"{row}: {column}" for row, column in self if self._cell(row, column) == "MISSING"]

    def record(self, versions: Mapping[str, str]) -> dict[str, Any]:
        """Return the matrix as data, as the documentation shows it.

        Args:
            versions: program → version.
        """
        return {
            "date": datetime.now(UTC).date().isoformat(),
            "versions": dict(versions),
            "columns": dict(COLUMNS),
            "cannot_apply": dict(CANNOT_APPLY),
            "elsewhere": dict(ELSEWHERE),
            "cells": {row: {column: self._cell(row, column) for column in COLUMNS} for row in self.rows},
        }

    def table(self) -> list[str]:
        """Return the lines of the printed matrix: a line for each column, as there are more of them than faults."""
        lines = [("", *self.rows)]
        lines += [(column, *(self._cell(row, column) for row in self.rows)) for column in COLUMNS]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.rows) + 1)]
        return [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        ]

    def _cell(self, row: str, column: str) -> str:
        if column in CANNOT_APPLY:
            return "-"
        return self.cells.get((row, column), "MISSING")
