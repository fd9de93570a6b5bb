"""A service that holds are made on: a process with a child and a pid file, and no service manager."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SERVER = """
import os, socket, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
listener = socket.create_server(("127.0.0.1", 0))
open("pids", "w").write(f"{child.pid} {listener.getsockname()[1]}")
time.sleep(600)
"""

#: Mark of tests about hosts without systemd: with it, a unit would carry the fault, and this machine would be cut off.
without_systemd = pytest.mark.skipif(
    os.geteuid() == 0 and Path("/run/systemd/system").is_dir(), reason="this machine has systemd; tests/hosts does that"
)


def until(check: Callable[[], Any], seconds: float = 10) -> Any:
    """Return what `check` says as soon as that is true."""
    deadline = time.monotonic() + seconds
    while not (answer := check()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return answer


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


class Service:
    """A process with a child, and a pid file."""

    def __init__(self, directory: Path) -> None:
        self.name = f"web-{uuid.uuid4().hex[:8]}"
        self.hold = f"freeze-{self.name}"
        self.pidfile = directory / "web.pid"
        self.process = subprocess.Popen([sys.executable, "-c", SERVER], cwd=directory)
        self.pidfile.write_text(f"{self.process.pid}\n")
        pids = directory / "pids"
        self.child, self.port = map(int, until(lambda: pids.exists() and pids.read_text().split()))

    @property
    def directory(self) -> Path | None:
        return directory_of(self.hold)

    @property
    def inventory(self) -> dict[str, Any]:
        return {"os_faults_services": {self.name: {"driver": "process", "pidfile": str(self.pidfile)}}}

    @property
    def states(self) -> str:
        return state(self.process.pid) + state(self.child)

    def end(self) -> None:
        for pid in (self.process.pid, self.child):
            with contextlib.suppress(ProcessLookupError):  # the test has killed it
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def directory_of(hold: str) -> Path | None:
    """The directory of a hold, wherever this user's holds are on this machine; None when there is none."""
    own = [Path(os.environ["XDG_RUNTIME_DIR"]) / "os-faults", Path(f"/tmp/os-faults-{os.geteuid()}")]
    return next((root / hold for root in [*own, Path("/run/os-faults")] if (root / hold).is_dir()), None)
