"""The kinds of clouds in which the README's snippets are run, made of the same hosts and guests of the lab."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hostlab import fuel, readme
from hostlab.machines import PIDFILE
from hostlab.observer import Host

README = {"driver": "devstack", "address": "devstack.local", "username": "root"}
"""The cloud that the README speaks of."""
SERVICES = {
    "keystone": {"driver": "systemd", "service_name": "devstack@keystone", "port": 5000},
    "memcached": {"driver": "systemd", "service_name": "memcached", "port": 11211},
}
"""The services of its snippets, for clouds whose driver has other names for them, or none."""


@dataclass(frozen=True)
class Setting:
    """A kind of cloud, in which the README's words are true.

    Attributes:
        first: the ``cloud_management`` that stands where the README has its own.
        hosts: that of the hosts which its snippets speak of.
        guests: that of two machines which its hypervisor has.
        services: what the kind has no catalogue for, or another name in the lab.
        turn_to: makes the hosts, or the guests, those that the cloud's master knows, if it has one.
    """

    first: Mapping[str, Any]
    hosts: Mapping[str, Any]
    guests: Mapping[str, Any]
    services: Mapping[str, Any] = field(default_factory=dict)
    turn_to: Callable[[Sequence[Host]], None] = lambda hosts: None

    def first_snippet(self) -> str:
        """Return the README's first snippet, with this cloud in the place of its own."""
        told = f"'cloud_management': {README!r}"
        snippet = readme.having("python", "destructor.verify()")
        assert told in snippet
        if self.first == README:
            return snippet
        return snippet.replace(told, f"'cloud_management': {self.first!r}, 'services': {dict(self.services)!r}")

    def cloud_of_hosts(self, heal_after: int) -> str:
        """Return what connects to the cloud of the three hosts, whose faults end after some seconds."""
        return f"""
destructor = os_faults.connect({{
    'cloud_management': {self.hosts!r}, 'services': {dict(self.services)!r}, 'heal_after': {heal_after},
}})
service = destructor.get_service(name='keystone')
"""

    def cloud_of_guests(self) -> str:
        """Return what connects to a cloud of the guests, whose service is memcached."""
        services = {"memcached": {"driver": "process", "pidfile": PIDFILE, "port": 11211}}
        return f"""
destructor = os_faults.connect({{
    'cloud_management': {self.guests!r}, 'services': {services!r},
    'power_management': cloud_config['power_management'],
}})
service = destructor.get_service(name='memcached')
"""


def _devstack(hosts: Sequence[Host], guests: Sequence[Host]) -> Iterator[Setting]:
    """The README's own cloud, at first a single host."""
    more = [{"address": host.fqdn, "username": user} for host, user in zip(hosts[1:], ("stack", "root"), strict=True)]
    of_guests = {**README, "address": guests[0].fqdn, "nodes": [guest.fqdn for guest in guests[1:]]}
    yield Setting(README, {**README, "nodes": more}, of_guests)


def _universal(hosts: Sequence[Host], guests: Sequence[Host]) -> Iterator[Setting]:
    """The same hosts, listed one by one."""
    logins = ({"username": "root"}, {"username": "stack", "become": True}, {"username": "root"})
    nodes = [{"address": host.fqdn, **login} for host, login in zip(hosts, logins, strict=True)]
    management = {"driver": "universal", "nodes": nodes}
    of_guests = {"driver": "universal", "username": "root", "nodes": [guest.fqdn for guest in guests]}
    yield Setting(management, management, of_guests, SERVICES)


def _fuel(hosts: Sequence[Host], guests: Sequence[Host]) -> Iterator[Setting]:
    """The same hosts as slaves of a Fuel master, with bridges for networks; of the guests it is told later."""
    with fuel.bridged(hosts), fuel.serving(Host(hosts[0].lab, "host")) as master:
        master.enrol(hosts)
        management = master.management("stack")
        yield Setting(management, management, master.management("root"), SERVICES, master.enrol)


KINDS = {"devstack": _devstack, "universal": _universal, "fuel": _fuel}
"""Kind of cloud → what makes it."""
