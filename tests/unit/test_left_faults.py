"""What the functional tests look at after each test: faults that it has left on this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support import left_faults


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of faults with one in it, whose undo removes it; nobody waits for its end."""
    monkeypatch.setattr(left_faults, "PATIENCE", 0.0)
    hold = tmp_path / "os-faults" / "freeze-web"
    hold.mkdir(parents=True)
    (hold / "record.json").write_text("{}")
    (hold / "undo.sh").write_text(f"rm -r {hold}\n")
    return tmp_path / "os-faults"


def test_a_fault_that_was_not_there_before_is_found_and_taken_back(root: Path) -> None:
    before = left_faults.faults_of_this_machine()
    left = left_faults.left_since(before, [root])
    assert left == {root / "freeze-web"}
    left_faults.take_back(left)
    assert list(root.iterdir()) == []
    assert left_faults.left_since(before, [root]) == set()


def test_a_fault_that_was_there_before_is_not_this_tests(root: Path) -> None:
    assert left_faults.left_since(left_faults.faults_of_this_machine([root]), [root]) == set()


@pytest.mark.parametrize(("run", "ours"), [(os.getpid(), True), (1, False)], ids=["this run", "another run"])
def test_a_fault_that_another_run_carries_is_not_this_tests(
    root: Path, run: int, ours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_faults, "_ROOTS", [str(root)])
    with left_faults.marked_run(run):
        carrier = subprocess.Popen(["/bin/sleep", "60"], env={}, start_new_session=True)
    try:
        (root / "freeze-web" / "watchdog.pid").write_text(f"{carrier.pid}\n")
        assert (root / "freeze-web" in left_faults.faults_of_this_machine()) == ours
    finally:
        carrier.kill()
        carrier.wait()


def test_a_fault_that_nothing_carries_may_be_another_runs_while_there_is_one(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_faults, "_ROOTS", [str(root)])
    with left_faults.marked_run(1):
        other = subprocess.Popen(["/bin/sleep", "60"])
    try:
        assert left_faults.faults_of_this_machine() == set()
    finally:
        other.kill()
        other.wait()
