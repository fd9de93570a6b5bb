"""The crash matrix that the documentation shows is the one that the tests have now: nothing is missing in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hostlab.matrix import CANNOT_APPLY, COLUMNS, ELSEWHERE, rows

from os_faults.actions import contracts

RECORD = Path(__file__).parents[2] / "docs" / "reference" / "crash-matrix.json"


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    return json.loads(RECORD.read_text(encoding="utf-8"))


def test_it_has_every_lasting_fault(record: dict[str, Any]) -> None:
    assert set(record["cells"]) == set(rows(contracts().values())), "write it anew, see docs/reference/crash-matrix.md"
    assert record["elsewhere"] == ELSEWHERE


def test_it_has_every_column(record: dict[str, Any]) -> None:
    assert record["columns"] == COLUMNS
    assert record["cannot_apply"] == CANNOT_APPLY


def test_no_cell_is_missing(record: dict[str, Any]) -> None:
    for row, cells in record["cells"].items():
        assert set(cells) == set(COLUMNS), row
        assert "MISSING" not in cells.values(), row
        assert {column for column, cell in cells.items() if cell == "-"} == set(CANNOT_APPLY), row


def test_it_tells_its_date_and_versions(record: dict[str, Any]) -> None:
    assert record["date"]
    assert set(record["versions"]) == {"os_faults", "ansible-core", "Python", "systemd", "Debian"}
