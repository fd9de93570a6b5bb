"""Every lasting fault ends, whatever happens to it: all of them at once, one event a test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostlab.matrix import COLUMNS, Matrix
from hostlab.observer import Host
from hostlab.rows import ROWS
from hostlab.stage import Stage
from hostlab.ways import WAYS

from os_faults import Cloud


@pytest.fixture(scope="module")
def stage(
    cloud: Cloud,
    every_node: list[Host],
    base_config: dict[str, Any],
    matrix: Matrix,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    config: Path = tmp_path_factory.mktemp("matrix") / "os-faults.json"
    config.write_text(json.dumps(base_config), encoding="utf-8")
    stage = Stage({host.name: host for host in every_node}, cloud, config, matrix.rows)
    stage.build()
    yield stage
    stage.dismantle()


def test_every_lasting_fault_has_a_row(matrix: Matrix) -> None:
    assert set(matrix.rows) == set(ROWS), "a fault needs a row in hostlab/rows.py"


@pytest.mark.parametrize("column", [column for column in COLUMNS if column in WAYS])
def test_column(column: str, stage: Stage, matrix: Matrix) -> None:
    stage.prepare()
    for row, how in WAYS[column](stage).items():
        matrix.holds(row, column, how)
