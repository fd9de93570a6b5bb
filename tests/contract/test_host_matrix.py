"""The host matrix that the documentation shows is the one that the tests have now: nothing is missing in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hostlab.kinds import KINDS, TRIALS
from hostlab.matrix import ELSEWHERE, rows

from os_faults.actions import contracts

RECORD = Path(__file__).parents[2] / "docs" / "reference" / "host-matrix.json"


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    return json.loads(RECORD.read_text(encoding="utf-8"))


def test_it_has_every_kind_and_every_verb(record: dict[str, Any]) -> None:
    assert tuple(record["kinds"]) == KINDS, "write it anew, see docs/reference/host-matrix.md"
    assert list(record["verbs"]) == list(TRIALS)


def test_no_cell_is_missing(record: dict[str, Any]) -> None:
    for verb, cells in record["verbs"].items():
        assert tuple(cells) == KINDS, verb
        assert all(cell == "works" or cell.startswith("refused: ") for cell in cells.values()), verb


def test_every_lasting_fault_is_tried() -> None:
    assert {*rows(contracts().values()), *ELSEWHERE} - set(TRIALS) == {"pause"}, (
        "a fault needs a trial in hostlab/kinds.py"
    )
