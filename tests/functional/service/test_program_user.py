"""A program that is started again has the user and the groups that it had."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.packed_modules import MALLORY, PYTHON, answer_of, needs_root
from support.pid_files import act, write

pytestmark = [pytest.mark.functional, needs_root, pytest.mark.usefixtures("runtime_directory")]


def identity(pid: int) -> dict[str, list[int]]:
    rows = (line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    return {name: [int(word) for word in value.split()] for name, value in rows if name in ("Uid", "Gid", "Groups")}


WAYS: dict[str, Callable[[str, Path, list[str]], Any]] = {
    "heal": lambda name, pidfile, start: answer_of("osf_heal", ids=[f"terminate-{name}"]),
    "start": lambda name, pidfile, start: act("start", pidfile, name=name, start=start),
    "restart": lambda name, pidfile, start: act("restart", pidfile, name=name, start=start),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_program_comes_back_as_the_user_that_it_ran_as(way, tmp_path):
    name = f"web-{uuid.uuid4().hex[:8]}"
    pidfile = tmp_path / "web.pid"
    argv = ["/bin/sleep", "600"]
    with subprocess.Popen(argv, user=MALLORY, group=4, extra_groups=[27, 4], start_new_session=True) as process:
        write(pidfile, process.pid, owner=0)
        before = identity(process.pid)
        if way != "restart":
            assert act("terminate", pidfile, name=name, start=argv)["changed"]
        back = WAYS[way](name, pidfile, argv)
        assert "failed" not in back, back
        process.wait(10)
    try:
        assert identity(int(pidfile.read_text())) == before
        assert before["Uid"] == [MALLORY] * 4
    finally:
        assert act("kill", pidfile, name=name)["changed"]


DROPS = """
import os, time
open("as", "a").write("%d " % os.getuid())
os.setgroups([]); os.setgid(64242); os.setuid(64242)
time.sleep(600)
"""


def test_a_program_that_gave_up_its_rights_by_itself_comes_back_as_root_and_does_so_again(tmp_path):
    name = f"web-{uuid.uuid4().hex[:8]}"
    pidfile, start = tmp_path / "web.pid", [PYTHON, "-c", DROPS]
    assert act("start", pidfile, name=name, start=start)["changed"]
    try:
        assert identity(int(pidfile.read_text()))["Uid"] == [MALLORY] * 4
        assert act("restart", pidfile, name=name, start=start)["changed"]
        assert identity(int(pidfile.read_text()))["Uid"] == [MALLORY] * 4
        assert (tmp_path / "as").read_text() == "0 0 "
    finally:
        assert act("kill", pidfile, name=name)["changed"]
