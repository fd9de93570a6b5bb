"""Commands that a person types, in a directory and with a home of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as data."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """Runs commands in a directory that is also the home.

    Attributes:
        directory: where.
    """

    directory: Path

    def run(self, *argv: str, within: float = 120, **environment: str) -> Done:
        """Run a command of the virtual environment."""
        done = subprocess.run(
            argv,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=within,
            env={
                **os.environ,
                "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(self.directory),
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_DEPRECATION_WARNINGS": "False",
                **environment,
            },
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def os_faults(self, *words: str, **environment: str) -> Done:
        """Run ``os-faults``; it must never show a traceback."""
        return self._told("os-faults", *words, **environment)

    def inject_fault(self, *words: str, **environment: str) -> Done:
        """Run ``os-inject-fault``; it must never show a traceback either."""
        return self._told("os-inject-fault", *words, **environment)

    def _told(self, *argv: str, **environment: str) -> Done:
        done = self.run(*argv, **environment)
        assert "Traceback" not in done.err + done.out, done.err
        return done
