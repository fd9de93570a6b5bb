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
KEEPERS = CLOCK.with_name("keepers.sh")
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


#: What keeps the clock right, as packages call it: of Debian and Ubuntu, of the RHEL family, of openSUSE.
HOSTS = (
    "systemd-timesyncd",
    "chrony",
    "chronyd",
    "chronyd-restricted",
    "ntpsec",
    "ntpd-rs",
    "chronyd ptp4l phc2sys",
    "chrony ptp4l@ens1 phc2sys@ens1 phc2sys@ens2",
    "timemaster",
)

#: A systemctl whose units are files: the word in a file is the state of its unit.
SYSTEMCTL = """#!/bin/sh
cd "${0%/*}/units" || exit 1
case $1 in
    list-units)
        shift 3
        for unit in *; do
            for pattern in "$@"; do
                case $unit in $pattern) echo "$unit loaded $(cat "$unit") running Something" ;; esac
            done
        done
        ;;
    stop) echo inactive >"$2" ;;
    start) echo active >"$2" ;;
esac
"""


@pytest.mark.parametrize("names", HOSTS)
def test_what_keeps_the_clock_right_is_stopped_and_started_again(names: str, tmp_path: Path) -> None:
    (tmp_path / "systemctl").write_text(SYSTEMCTL)
    (tmp_path / "systemctl").chmod(0o755)
    units = tmp_path / "units"
    units.mkdir()
    keepers = {f"{name}.service" for name in names.split()}
    others = {"memcached.service": "active", "ntp.service": "inactive"}
    for unit, state in {**dict.fromkeys(keepers, "active"), **others}.items():
        (units / unit).write_text(state + "\n")
    before = {unit.name: unit.read_text() for unit in units.iterdir()}

    def keep(word: str) -> dict[str, str]:
        environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        subprocess.run(["sh", KEEPERS, word], cwd=tmp_path, env=environ, check=True)
        return {unit.name: unit.read_text() for unit in units.iterdir()}

    stopped = keep("stop")
    assert {unit for unit in stopped if stopped[unit] != before[unit]} == keepers
    assert keep("stop") == stopped
    assert keep("start") == before
