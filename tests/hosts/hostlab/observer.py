"""A person at the host's console: a shell, the host's own tools, and nothing of os_faults."""

from __future__ import annotations

import base64
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from hostlab import clients
from hostlab.fingerprint import SCRIPT, Fingerprint, at_rest, difference, parse
from hostlab.lab import COMMAND, Lab
from hostlab.waiting import wait_for

_CLIENT = base64.b64encode(Path(clients.__file__).read_bytes()).decode()

_UNTIL = """
read -r now rest </proc/uptime
end=$((${{now%.*}} + {within}))
until {condition}; do
    read -r now rest </proc/uptime
    [ ${{now%.*}} -lt $end ] || exit 9
    sleep 0.2
done
"""


@dataclass(frozen=True)
class Process:
    """One process of a host; the time of its start tells it from a later one with its number."""

    pid: int
    started: int


@dataclass(frozen=True)
class Host:
    """A host of the lab, seen at its console, which needs no login and no network; a guest, over ssh.

    Attributes:
        lab: the lab.
        name: the host's short name.
        network: over which to log in; the console when None.
    """

    lab: Lab
    name: str
    network: str | None = None

    @property
    def over_management(self) -> Host:
        """The same host, seen over the management network."""
        return Host(self.lab, self.name, "management")

    @property
    def over_storage(self) -> Host:
        """The same host, seen over the storage network."""
        return Host(self.lab, self.name, "storage")

    @property
    def fqdn(self) -> str:
        return str(self.lab.node(self.name)["fqdn"])

    @property
    def address(self) -> str:
        """The address in the management network."""
        return str(self.lab.node(self.name)["address"])

    @property
    def address6(self) -> str:
        return str(self.lab.node(self.name)["address6"])

    @property
    def mac(self) -> str:
        """The hardware address in the management network."""
        node = self.lab.node(self.name)
        return str(node["mac"] if "mac" in node else node["interfaces"]["management"]["mac"])

    @property
    def management_interface(self) -> str:
        return str(self.lab.node(self.name)["interfaces"]["management"]["name"])

    @property
    def storage_interface(self) -> str:
        return str(self.lab.node(self.name)["interfaces"]["storage"]["name"])

    @property
    def storage_address(self) -> str:
        return str(self.lab.node(self.name)["interfaces"]["storage"]["addresses"][0]).partition("/")[0]

    def command(self, *words: str) -> list[str]:
        """Return the command line that runs a command on the host, as root."""
        if self.network is None and self.lab.has_console(self.name):
            return [str(COMMAND), "console", self.name, *words]
        return [*self._login, shlex.join(words)]

    @cached_property
    def _login(self) -> list[str]:
        """The start of a command line that hands a line to a shell on the host."""
        user = self.lab.node(self.name)["user"]
        options = (
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            "StrictHostKeyChecking=yes",
            "ConnectTimeout=10",
            "ServerAliveInterval=15",  # a host that is loaded by a fault may be silent for a while
            "LogLevel=ERROR",
            f"UserKnownHostsFile={self.lab.known_hosts}",
        )
        to = f"{user}@{self.storage_address if self.network == 'storage' else self.address}"
        become = ["sudo", "-n"] if self.lab.node(self.name)["become"] else []
        words = [word for option in options for word in ("-o", option)]
        return ["ssh", "-F", "none", "-i", self.lab.key, *words, to, *become]

    def sh(self, script: str, *, check: bool = True, within: float = 60) -> str:
        """Run a shell script as root and return what it prints; it gets some seconds to end."""
        done = subprocess.run(
            self.command("sh", "-s"), input=script, capture_output=True, text=True, check=False, timeout=within
        )
        if check:
            assert done.returncode == 0, f"{self.name}: {script!r} ended with {done.returncode}: {done.stderr}"
        return done.stdout.strip()

    def await_true(self, condition: str, what: str, within: float) -> None:
        """Wait until a shell condition holds; the host looks itself, as each shell takes time from what is waited for.

        Args:
            condition: of a shell.
            what: it is, for people.
            within: seconds.

        Raises:
            AssertionError: it did not within the time.
        """
        try:
            self.sh(_UNTIL.format(condition=condition, within=round(within)), within=within + 30)
        except AssertionError as error:
            raise AssertionError(f"{self.name}: not within {within:g} s: {what}") from error

    # -- what is on it -------------------------------------------------------------------------

    def fingerprint(self) -> Fingerprint:
        """Return the state that faults touch."""
        return parse(self.sh(SCRIPT))

    @contextmanager
    def undone(self, within: float = 15) -> Iterator[None]:
        """Assert that the host is after the block as it was before; it has some time to come to rest."""
        before = self.fingerprint()
        deadline = time.monotonic() + 60
        while not at_rest(before) and time.monotonic() < deadline:
            before = self.fingerprint()
        yield
        self.await_fingerprint(before, within)

    def await_fingerprint(self, before: Fingerprint, within: float = 15) -> None:
        """Wait until the host is as it was; fail with what is different."""
        seen: list[str] = []

        def same() -> bool:
            seen[:] = [difference(before, self.fingerprint())]
            return not seen[0]

        try:
            wait_for(same, "the host is as before", within, pause=0.5)
        except AssertionError:
            raise AssertionError(f"{self.name} is not as it was:\n{seen[0]}") from None

    def boot_id(self) -> str:
        return self.sh("cat /proc/sys/kernel/random/boot_id")

    def await_boot(self, before: str, within: float = 60) -> None:
        """Wait until the host has another boot id than before, and can be logged in to."""

        def booted() -> bool:
            try:
                return self.answers_ssh() and self.boot_id() != before
            except AssertionError:  # between the two it has no shell
                return False

        wait_for(booted, f"{self.name} is back", within)

    def holds(self) -> dict[str, str]:
        """Return the units of os_faults: id → active state."""
        rows = self.sh("systemctl list-units --all --plain --no-legend 'os-faults-*.service'").splitlines()
        return {row.split()[0][len("os-faults-") : -len(".service")]: row.split()[2] for row in rows}

    def records(self) -> list[str]:
        """Return the names of the records of os_faults."""
        return self.sh(
            "ls -1 /run/os-faults /var/lib/os-faults 2>/dev/null | grep -vE '^(/.*:|README|)$'; true"
        ).split()

    # -- services ------------------------------------------------------------------------------

    def active(self, unit: str) -> str:
        """Return systemd's word for the state of a unit."""
        return self.sh(f"systemctl show --property=ActiveState --value {unit}")

    def processes(self, unit: str) -> set[Process]:
        """Return the processes in the control group of a unit."""
        return {Process(int(stat[0]), int(stat[-1])) for stat in self._stats(unit)}

    def states(self, unit: str) -> str:
        """Return the states of the unit's processes, a letter each (T is stopped)."""
        return "".join(stat[1] for stat in self._stats(unit))

    def _stats(self, unit: str) -> list[list[str]]:
        """Return pid, state and start of each process of a unit, as /proc tells."""
        lines = self.sh(
            f"for file in $(grep -lE '/{unit}$' /proc/[0-9]*/cgroup 2>/dev/null); do"
            " cat ${file%/cgroup}/stat 2>/dev/null; done; true"
        ).splitlines()
        # pid (name) state … start; the name may hold anything
        rest = ((line.split(" ", 1)[0], line.rpartition(") ")[2].split()) for line in lines)
        return [[pid, words[0], words[19]] for pid, words in rest]

    # -- clients on it -------------------------------------------------------------------------

    def client(self, mode: str, kind: str, port: int, *addresses: str) -> list[str]:
        """Return the command line of a client on the host, see `clients.main`."""
        source = f"import base64; exec(base64.b64decode('{_CLIENT}'))"
        return self.command("python3", "-c", source, mode, kind, str(port), *addresses)

    def answering(self, kind: str, port: int, *addresses: str) -> set[str]:
        """Return the addresses at which a service answers a client that runs on the host itself."""
        done = subprocess.run(
            self.client("once", kind, port, *addresses), capture_output=True, text=True, check=True, timeout=30
        )
        return set(done.stdout.split())

    def answers_ssh(self) -> bool:
        """Whether sshd greets, over the management network."""
        return clients.answers("ssh", self.address, 22)


class OpenConnection:
    """A client that keeps one connection open, here or on the host itself.

    Args:
        command: the command line of `clients.main` in mode ``open``.
    """

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        if self._heard() != "yes":
            self._process.communicate(timeout=20)
            raise AssertionError("the connection could not be opened")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=20)

    def answers(self) -> bool:
        """Ask over the open connection and tell whether there was an answer."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._heard() == "yes"

    def _heard(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()
