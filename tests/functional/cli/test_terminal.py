"""On a real terminal nothing that comes from elsewhere steers it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.lone_host import lone_host

pytestmark = pytest.mark.functional

BIN = Path(sys.executable).parent
#: It gives the window another title, and colours what follows.
ODD = "x\x1b]0;owned\x07\x1b[31m\x9b2J\u202e"

CALLS = {
    "usage": [ODD],
    "option": [f"--{ODD}"],
    "choice": ["--output", ODD, "nodes"],
    "error": ["inject", "kill", ODD],
    "traceback": ["-d", "inject", "kill", ODD],
    "file": ["-c", ODD, "nodes"],
    "log": ["--artifacts-dir", f"/proc/{ODD}", "nodes"],
    "info": ["--log-level", "info", "--artifacts-dir", f"/proc/{ODD}", "nodes"],
    "saved": ["discover", ODD],
    "dry run": ["--artifacts-dir", f"/tmp/{ODD}", "heal", "--dry-run"],
}


def on_a_terminal(*words: str | Path, cwd: Path, env: dict[str, str]) -> bytes:
    """Run ``os-faults`` with all its streams on a terminal, and return what came there."""
    ours, its = os.openpty()
    with subprocess.Popen([BIN / "os-faults", *words], stdin=its, stdout=its, stderr=its, cwd=cwd, env=env) as running:
        os.close(its)
        told = bytearray()
        try:
            while more := os.read(ours, 65536):
                told += more
        except OSError:
            pass  # Linux tells the end of a terminal so
        running.wait(timeout=120)
    os.close(ours)
    return bytes(told)


@pytest.mark.parametrize("words", CALLS.values(), ids=CALLS)
def test_what_comes_from_elsewhere_is_spelled_out(words: list[str]) -> None:
    with lone_host() as host:
        env = {**os.environ, "XDG_STATE_HOME": str(host.directory / "state"), "OS_FAULTS_CONFIG": str(host.config)}
        told = on_a_terminal(*words, cwd=host.directory, env=env)
    assert b"owned" in told, "it is shown"
    for sequence in ("\x1b]0;", "\x1b[31m", "\x07", "\x9b", "\u202e"):
        assert sequence.encode() not in told
    assert b"unexpected" not in told


def test_names_for_completion_are_plain(tmp_path: Path) -> None:
    with lone_host() as host:
        config = host.config.read_text().replace(
            '"services": {', '"services": {"shop\\u001b[31m": {"driver": "process", "grep": "x"},'
        )
        host.config.write_text(config)
        words = {"_OS_FAULTS_COMPLETE": "bash_complete", "COMP_WORDS": "os-faults inject kill s", "COMP_CWORD": "3"}
        env = {**os.environ, **words, "OS_FAULTS_CONFIG": str(host.config)}
        told = on_a_terminal(cwd=host.directory, env=env)
    assert b"\x1b" not in told
