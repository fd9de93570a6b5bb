"""What was shown, kept for the closing tests, which run after the processes that have each run a part of the tier."""

from __future__ import annotations

import json
import os
from pathlib import Path

from hostlab.evidence import Evidence
from hostlab.matrix import Matrix

DIRECTORY = "OS_FAULTS_SHOWN_IN"
"""The environment variable with the directory to keep it in; without it, one process runs all tests."""


def keep(evidence: Evidence, matrix: Matrix) -> None:
    """Write down what this process has shown."""
    if directory := os.environ.get(DIRECTORY):
        cells = [[row, column, how] for (row, column), how in matrix.cells.items()]
        shown = {"effects": evidence.effects, "undoings": evidence.undoings, "cells": cells}
        Path(directory, f"{os.getpid()}.json").write_text(json.dumps(shown), encoding="utf-8")


def gather(evidence: Evidence, matrix: Matrix) -> None:
    """Add what other processes have written down before."""
    if directory := os.environ.get(DIRECTORY):
        for path in sorted(Path(directory).glob("*.json")):
            shown = json.loads(path.read_text(encoding="utf-8"))
            for verb, seen in shown["effects"].items():
                evidence.effects.setdefault(verb, []).extend(seen)
            for verb, seen in shown["undoings"].items():
                evidence.undoings.setdefault(verb, []).extend(seen)
            for row, column, how in shown["cells"]:
                matrix.holds(row, column, how)
