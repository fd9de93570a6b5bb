"""A guest of the lab's hypervisor, as the hypervisor and the clients of its memcached see it."""

from __future__ import annotations

import shlex
import socket
from dataclasses import dataclass
from functools import cached_property

from hostlab import clients
from hostlab.lab import Lab
from hostlab.observer import Host
from hostlab.waiting import wait_for

RESTORED = "running (from snapshot)"
BOOTED = "running (booted)"
CUT = "shut off (destroyed)"
SHUT_DOWN = "shut off (shutdown)"
"""Words of libvirt for the state of a domain, with their reason."""

_PORT = 11211


@dataclass(frozen=True)
class Guest:
    """A virtual machine that runs memcached.

    Attributes:
        lab: the lab.
        name: of the guest and of its domain.
    """

    lab: Lab
    name: str

    @cached_property
    def inside(self) -> Host:
        """The guest as one who logs in sees it; that takes seconds, as its processor is emulated."""
        return Host(self.lab, self.name)

    @cached_property
    def hypervisor(self) -> Host:
        return Host(self.lab, str(self.lab.about["hypervisor"]["name"]))

    @property
    def fqdn(self) -> str:
        return self.inside.fqdn

    def virsh(self, *words: str) -> str:
        """Run virsh on the hypervisor and return what it prints."""
        return self.hypervisor.sh(f"virsh --quiet {shlex.join(words)}")

    def state(self) -> str:
        """Return the state of the domain, with its reason."""
        return self.virsh("domstate", "--reason", self.name)

    def snapshots(self) -> list[str]:
        """Return the names of its snapshots."""
        return self.virsh("snapshot-list", self.name, "--name").split()

    def restore(self) -> None:
        """Go back to the snapshot of the lab, and remove every other."""
        self.virsh("snapshot-revert", self.name, "ready")
        for name in set(self.snapshots()) - {"ready"}:
            self.virsh("snapshot-delete", self.name, name)
        wait_for(self.answers, f"memcached of {self.name} answers", 20)

    def answers(self) -> bool:
        """Whether its memcached answers a new client."""
        return clients.answers("memcached", self.inside.address, _PORT)

    def note(self, word: str) -> None:
        """Put a word into its memory: a guest that was restarted has forgotten it."""
        assert self._ask(f"set note 0 0 {len(word)}\r\n{word}\r\n") == "STORED"

    def noted(self) -> str:
        """Return the word that is in its memory, "" for none."""
        lines = self._ask("get note\r\n").splitlines()
        return lines[1] if len(lines) > 1 else ""

    def _ask(self, text: str) -> str:
        with socket.create_connection((self.inside.address, _PORT), 10) as connection:
            connection.settimeout(10)
            connection.sendall(text.encode())
            return connection.recv(1024).decode().strip()


def assert_untouched(guest: Guest, note: str, state: str = RESTORED) -> None:
    """Assert that a guest runs on as it was, with all that was in its memory."""
    assert (guest.state(), guest.noted()) == (state, note), (guest.name, guest.state(), guest.noted())
