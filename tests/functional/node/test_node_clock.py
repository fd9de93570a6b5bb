"""The clock of a node, as far as it goes without touching that of this machine: what is refused, and what is undone."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from os_faults import resources

pytestmark = pytest.mark.functional

CLOCK = resources.playbooks_dir() / "files" / "clock" / "clock.sh"
WITHOUT_THE_RIGHT = ["setpriv", "--bounding-set=-sys_time", "--inh-caps=-sys_time"] if os.geteuid() == 0 else []


def test_a_bad_offset_is_refused(play):
    refused = play("node_clock.yml", node_action="skew_clock", offset=31536001)
    assert "value of offset must be from -31536000 to 31536000, got: 31536001" in refused.failures["here"]


def test_a_clock_that_is_right_is_left_alone(play):
    assert not play("node_clock.yml", node_action="unskew_clock").result["changed"]


def test_who_may_not_set_the_clock_is_refused_before_anything_is_touched(tmp_path: Path) -> None:
    (tmp_path / "offset").write_text("3600")
    before = time.time() - time.monotonic()
    done = subprocess.run(
        [*WITHOUT_THE_RIGHT, "sh", CLOCK, "begin"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "its clock is that of the machine below" in done.stderr or "needs root" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["offset"]
    assert abs(time.time() - time.monotonic() - before) < 1
    assert subprocess.run(["sh", CLOCK, "end"], cwd=tmp_path, check=False).returncode == 0
