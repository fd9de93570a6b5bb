"""The services that the verbs are tried on, and how a client finds them."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from functools import partial

from hostlab import clients
from hostlab.observer import Host, Process
from hostlab.watch import Watch


@dataclass(frozen=True)
class Subject:
    """A service on one host, as its clients know it.

    Attributes:
        service: its name in os_faults.
        host: where it runs.
        unit: its systemd unit.
        kind: what it speaks, see `clients.ask`.
        port: where it listens.
    """

    service: str
    host: Host
    unit: str
    kind: str
    port: int

    def answers(self) -> bool:
        """Whether it answers a new client on this machine."""
        return clients.answers(self.kind, self.host.address, self.port)

    def connects(self) -> bool:
        """Whether its port accepts a connection."""
        return clients.connects(self.host.address, self.port)

    def answering(self) -> set[str]:
        """Return which of its addresses answer: asked from this machine, and on the host itself (with "on host")."""
        here = clients.answering(self.kind, self.port, (self.host.address, self.host.address6))
        own = self.host.answering(self.kind, self.port, "127.0.0.1", "::1", self.host.address, self.host.address6)
        return set(here) | {f"{address} on host" for address in own}

    @property
    def everywhere(self) -> set[str]:
        """What `answering` returns when nothing is cut."""
        own = {"127.0.0.1", "::1", self.host.address, self.host.address6}
        return {self.host.address, self.host.address6} | {f"{address} on host" for address in own}

    def processes(self) -> set[Process]:
        return self.host.processes(self.unit)

    def states(self) -> str:
        """The states of its processes, a letter each."""
        return self.host.states(self.unit)

    def frozen(self) -> bool:
        """Whether there are processes and each one is stopped."""
        return set(self.states()) == {"T"}

    def watch(self) -> Watch:
        return Watch(partial(clients.answers, self.kind, self.host.address, self.port, 0.5))


def keystone(host: Host) -> Subject:
    return Subject("keystone", host, "devstack@keystone.service", "http", 5000)


def mysql(host: Host) -> Subject:
    return Subject("mysql", host, "mariadb.service", "mysql", 3306)


def memcached(host: Host) -> Subject:
    return Subject("memcached", host, "memcached.service", "memcached", 11211)


def issues_token(host: Host) -> bool:
    """Whether keystone gives its administrator a token."""
    about = host.lab.about["keystone"]
    domain = {"id": "default"}
    user = {"name": about["user"], "password": about["password"], "domain": domain}
    scope = {"project": {"name": about["project"], "domain": domain}}
    question = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    request = urllib.request.Request(
        f"{about['url']}/auth/tokens", json.dumps(question).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status == 201 and bool(answer.headers["X-Subject-Token"])
    except OSError:
        return False
