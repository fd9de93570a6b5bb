"""The program that carries a connection through a jump host, with an ssh that never answers."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from os_faults.ansible.inventory import JUMP

#: It knows of no shared connection, prints a line, and waits.
SSH = """\
#!/bin/sh
case "$*" in *check*) exit 1 ;; esac
echo waiting >&2
exec sleep 0.5
"""


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_connection_that_is_given_up_leaves_no_files_of_its_own(tmp_path: Path, number: signal.Signals) -> None:
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(SSH)
    ssh.chmod(0o755)
    run = tmp_path / "run"
    run.mkdir()
    environ = {**os.environ, "PATH": f"{ssh.parent}:{os.environ['PATH']}"}
    program = subprocess.Popen(["sh", JUMP, run / "j-1", "node:22", "gate"], env=environ)
    try:
        deadline = time.monotonic() + 10
        while not any(path.read_text() for path in run.glob("*.said.*")):
            assert time.monotonic() < deadline, "it does not begin"
            time.sleep(0.01)
        program.send_signal(number)
        assert program.wait(10) == 129
    finally:
        program.kill()
        program.wait()
    assert not list(run.glob("*.said*"))
