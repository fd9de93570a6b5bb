"""Every lasting fault ends, whatever happens to it: all of them at once, one event a test."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostlab.matrix import CANNOT_APPLY, COLUMNS, Matrix
from hostlab.observer import Host
from hostlab.rows import ROWS
from hostlab.stage import Stage
from hostlab.ways import WAYS


@pytest.fixture(scope="module")
def stage(
    every_node: list[Host],
    base_config: dict[str, Any],
    matrix: Matrix,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    config: Path = tmp_path_factory.mktemp("matrix") / "os-faults.json"
    patient = {**base_config, "ssh": {**base_config["ssh"], "connect_timeout": 30}}  # a dozen controllers at once
    config.write_text(json.dumps(patient), encoding="utf-8")
    stage = Stage({host.name: host for host in every_node}, config, matrix.rows)
    stage.build()
    stage.connect()
    yield stage
    if path := os.environ.get("OS_FAULTS_CRASH_MATRIX_TO"):
        text = json.dumps(matrix.record(stage.versions()), indent=1, ensure_ascii=False)
        Path(path).write_text(text + "\n", encoding="utf-8")
    stage.connect()  # a new connection sweeps what killed controllers have left
    stage.disconnect()
    stage.dismantle()


def test_every_lasting_fault_has_a_row(matrix: Matrix) -> None:
    assert set(matrix.rows) == set(ROWS), "a fault needs a row in hostlab/rows.py"


def test_every_column_that_applies_has_a_way() -> None:
    assert sorted(column for columns in WAYS for column in columns) == sorted(COLUMNS.keys() - CANNOT_APPLY.keys())


@pytest.mark.case("D12", "D32")
@pytest.mark.parametrize("columns", WAYS, ids=" and ".join)
def test_columns(columns: tuple[str, ...], stage: Stage, matrix: Matrix) -> None:
    stage.prepare()
    for row, how in WAYS[columns](stage).items():
        for column in columns:
            matrix.holds(row, column, how)
