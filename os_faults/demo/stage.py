"""The stage of the demo: a private directory, two services, their cloud, and the clean-up."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from os_faults.ansible.private_directory import private_base
from os_faults.cloud import Cloud
from os_faults.config import load
from os_faults.demo.probe import Probe
from os_faults.errors import OSFError, OSFException
from os_faults.nodes import NodeCollection
from os_faults.service import Service

LOG = logging.getLogger(__name__)

NODE = "localhost"
_PROGRAM = Path(__file__).with_name("service.py")


@dataclass(frozen=True)
class Actor:
    """A service of the demo.

    Attributes:
        service: its verbs.
        pidfile: the file with its pid.
        probe: the probe of the service.
    """

    service: Service
    pidfile: Path
    probe: Probe

    @property
    def name(self) -> str:
        """Its name."""
        return self.service.name

    @property
    def pid(self) -> int | None:
        """The pid in its pid file."""
        try:
            return int(self.pidfile.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None


@dataclass
class Stage:
    """A cloud of this machine alone.

    Attributes:
        cloud: the cloud.
        web: one service.
        api: another.
        nodes: the discovered nodes; None before `discover`.
    """

    cloud: Cloud
    web: Actor
    api: Actor
    nodes: NodeCollection | None = None

    @property
    def holds(self) -> list[str]:
        """The ids of all faults that the demo can leave; it heals only these."""
        return [f"{verb}-{actor.name}" for actor in (self.web, self.api) for verb in ("freeze", "terminate")]

    def discover(self) -> list[str]:
        """Find the nodes; return their names."""
        self.nodes = self.cloud.get_nodes()
        return self.nodes.get_fqdns()

    def heal(self) -> list[str]:
        """Undo the demo's faults and return their ids; before `discover` there are none."""
        if self.nodes is None:
            return []
        there = {fault.id for fault in self.cloud.faults()}.intersection(self.holds)
        return [
            hold
            for action in (self.cloud.healing(there) if there else ())
            for host in self.cloud.perform(action).values()
            for hold in host.payload.get("undone", ())
        ]


@contextmanager
def stage(*, seed: int | None = None, artifacts_dir: Path | None = None) -> Iterator[Stage]:
    """Build the stage, and remove everything at any end of the block.

    Args:
        seed: seed of the random choices.
        artifacts_dir: directory for the artifacts of runs; when None, they are removed with the stage.
    """
    with ExitStack() as ends:
        home = _home()
        ends.callback(shutil.rmtree, home, ignore_errors=True)
        ends.callback(_end_processes, home)
        ends.enter_context(_environment(home))
        ports = {f"{kind}-{port}": port for kind, port in zip(("web", "api"), _free_ports(2), strict=True)}
        config = load(
            {
                "cloud_management": {
                    "driver": "universal",
                    "nodes": [NODE],
                    "connection": "local",
                    "python_interpreter": sys.executable,
                },
                "services": {
                    name: {
                        "driver": "process",
                        "args": {
                            "pidfile": str(home / f"{name}.pid"),
                            "start": [
                                sys.executable,
                                str(_PROGRAM),
                                str(port),
                                str(home / f"{name}.pid"),
                                str(os.getpid()),
                            ],
                            "port": port,
                        },
                        "hosts": [NODE],
                    }
                    for name, port in ports.items()
                },
                "artifacts_dir": str(artifacts_dir or home / "runs"),
            }
        )
        cloud = ends.enter_context(Cloud(config, seed=seed))
        actors = []
        for name, port in ports.items():
            probe = Probe(port)
            ends.callback(probe.stop)
            actors.append(Actor(cloud.get_service(name), home / f"{name}.pid", probe))
        web, api = actors
        built = Stage(cloud, web, api)
        ends.push(lambda kind, _error, _trace: _heal_after_failure(built) if kind else None)
        for actor in actors:
            actor.probe.start()
        yield built


def _heal_after_failure(built: Stage) -> None:
    """Heal the faults of a story that was interrupted."""
    try:
        built.heal()
    except OSFException as error:
        LOG.error("the demo's faults could not be taken back, they end by themselves: %s", error)


def _home() -> Path:
    """Create the private directory of the demo.

    Raises:
        OSFError: it can't be created.
    """
    base = private_base(sockets=False)
    try:
        return Path(tempfile.mkdtemp(prefix="os-faults-demo-", dir=base)).resolve()
    except OSError as error:
        raise OSFError(f"can't make a directory for the demo in {base}: {error.strerror}") from error


@contextmanager
def _environment(home: Path) -> Iterator[None]:
    """Keep the state of os_faults in the private directory."""
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(home / "state")
    try:
        yield
    finally:
        if before is None:
            del os.environ["XDG_STATE_HOME"]
        else:
            os.environ["XDG_STATE_HOME"] = before


def _free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that are free now."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def _end_processes(home: Path) -> None:
    """End the processes of the private directory; they have its path on their command lines."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in _processes_of(home):
            for each in (number, signal.SIGCONT):  # a frozen process must continue to end
                try:
                    os.kill(pid, each)
                except ProcessLookupError:
                    pass
        deadline = time.monotonic() + 2
        while _processes_of(home) and time.monotonic() < deadline:
            time.sleep(0.02)


def _processes_of(home: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(f"{home}/") in command and os.fsencode(_PROGRAM) in command:
                found.append(int(entry.name))
    return found
