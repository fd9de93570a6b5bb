"""Hosts of a network that this user makes for himself: namespaces, joined by a virtual cable."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ENTER = "mount -t sysfs sysfs /sys && ip link set lo up && exec sleep 600"


class OwnHost:
    """A network of its own, in which this user is root; a child is in the user namespace of its parent."""

    def __init__(self, inside: OwnHost | None = None) -> None:
        unshare = ["unshare", *([] if inside else ["--user", "--map-root-user"]), "--net", "--mount"]
        before = inside.enter if inside else []
        self.process = subprocess.Popen([*before, *unshare, "sh", "-c", _ENTER], stdin=subprocess.DEVNULL)

    @property
    def enter(self) -> list[str]:
        """The command that runs another one there."""
        return ["nsenter", f"--target={self.process.pid}", "--user", "--preserve-credentials", "--net", "--mount"]

    def start(self, command: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        """Start a command of the shell there."""
        argv = [*self.enter, f"--wd={cwd or '/'}", "sh", "-c", command]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def sh(self, command: str, cwd: Path | None = None) -> str:
        """Run a command of the shell there, which must succeed, and return what it prints."""
        running = self.start(command, cwd)
        output, _ = running.communicate(timeout=90)
        assert running.returncode == 0, output
        return output

    def ready(self) -> bool:
        """Wait until it is there; False when this user can't have one."""
        for _ in range(100):
            if Path(f"/proc/{self.process.pid}/comm").read_text() == "sleep\n":
                return True
            if self.process.poll() is not None:
                return False
            time.sleep(0.02)
        return False

    def end(self) -> None:
        """Take it away."""
        self.process.kill()
        self.process.wait()


@contextmanager
def two_hosts() -> Iterator[tuple[OwnHost, OwnHost] | None]:
    """Yield two hosts with an interface ``v0`` each, on one network; None where this user can't have them."""
    hosts: list[OwnHost] = []
    try:
        for _ in range(2):
            hosts.append(OwnHost(hosts[0] if hosts else None))
            if not hosts[-1].ready():
                yield None
                return
        one, other = hosts
        one.sh(f"ip link add v0 type veth peer name v0 netns {other.process.pid}")
        for host in hosts:
            host.sh("ip link set v0 up")
        yield one, other
    finally:
        for host in reversed(hosts):
            host.end()
