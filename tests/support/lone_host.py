"""A cloud of one node, which is this machine, with one service; in a directory that everybody may look into."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.remembered import remember

SERVICE = f"lone-{os.getpid()}"
#: The fault that a test makes; who heals only this one leaves alone what else this machine holds.
HOLD = f"freeze-{SERVICE}"
HEAL = ("heal", "--fault-ids", HOLD)


class LoneHost:
    """The directory with its configuration.

    Attributes:
        directory: where all of it lies.
        config: path of the configuration.
        pid: of the service's process.
    """

    def __init__(self, directory: Path, pid: int, python: str = sys.executable) -> None:
        self.directory = directory
        self.pid = pid
        self.config = directory / "cloud.json"
        pidfile = directory / "it.pid"
        pidfile.write_text(f"{pid}\n")
        cloud = {"driver": "universal", "nodes": ["localhost"], "connection": "local", "python_interpreter": python}
        service = {"driver": "process", "pidfile": str(pidfile), "start": ["/bin/sleep", "600"]}
        containers = {"box": {"driver": "docker", "container_name": "no-such-box"}}
        config = {"cloud_management": cloud, "services": {SERVICE: service}, "containers": containers}
        self.config.write_text(json.dumps(config))

    def remember(self) -> None:
        """Let the journal of this controller know `HOLD`, as a fault that is over."""
        remember(self.config, HOLD)

    @property
    def state(self) -> str:
        """The state of the service's process: S sleeps, T is frozen."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]


@contextmanager
def lone_host(python: str = sys.executable, uid: int | None = None) -> Iterator[LoneHost]:
    """Make it, and take it away at the end. The process of its service is that of the user ``uid``."""
    directory = Path(tempfile.mkdtemp(prefix="lone-", dir="/tmp"))
    directory.chmod(0o755)
    with subprocess.Popen(["/bin/sleep", "600"], user=uid) as sleeper:
        try:
            yield LoneHost(directory, sleeper.pid, python)
        finally:
            sleeper.kill()
            shutil.rmtree(directory, ignore_errors=True)
