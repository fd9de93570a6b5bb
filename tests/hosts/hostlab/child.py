"""A program that uses os_faults, as a real process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

_PREAMBLE = """\
import json, os, signal, sys, threading, time
import os_faults
def say(*words): print(*words, flush=True)
cloud = os_faults.connect(config_filename={config!r})
"""


class Child:
    """A Python process with a connected ``cloud`` and ``say()``, which tells this process a line.

    Args:
        config: path of the configuration file.
        code: what it does.
        environment: variables beyond those of this process.
    """

    def __init__(self, config: Path, code: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PREAMBLE.format(config=str(config)) + code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
            start_new_session=True,
        )

    def hear(self) -> str:
        """Return the next line that it tells; "" when it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self, within: float = 60) -> tuple[int, str, str]:
        """Wait for its end and return exit status, the rest of its output, and its error output."""
        try:
            out, err = self.process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"it did not end within {within:g} s; it had said: {out}{err}") from None
        return self.process.returncode, out, err

    def result(self, within: float = 60) -> object:
        """Wait for its end, assert that it went well, and return what its last line says in JSON."""
        status, out, err = self.end(within)
        assert status == 0, err
        return json.loads(out.splitlines()[-1])
