"""A real Pacemaker cluster of lab hosts, and a service that it manages, as its clients and its own tools see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from hostlab import clients
from hostlab.observer import Host
from hostlab.stage import at_once
from hostlab.waiting import wait_for

JOIN = "systemctl start corosync pacemaker\n"
_FORGET = """
timeout 60 systemctl stop pacemaker corosync
rm -rf /var/lib/pacemaker/cib/* /var/lib/pacemaker/pengine/* /run/os-faults /var/lib/os-faults
"""


@contextmanager
def cluster(hosts: Sequence[Host], prepare: str, create: str, remove: str) -> Iterator[None]:
    """Make a cluster of hosts that has some resources, and no configuration when the block is over.

    Args:
        hosts: the hosts.
        prepare: shell for each, before it joins.
        create: shell for one of them, which creates the resources.
        remove: shell for each, which takes back what ``prepare`` did.
    """
    at_once(lambda host: host.sh(prepare + JOIN), hosts)
    try:
        await_whole(hosts)
        hosts[0].sh("pcs property set stonith-enabled=false\n" + create)
        yield
    finally:
        at_once(lambda host: host.sh(_FORGET + remove + "systemctl reset-failed", check=False), hosts)


def await_whole(hosts: Sequence[Host]) -> None:
    """Wait until all hosts are in the cluster, as the first one sees it."""
    names = " ".join(host.name for host in hosts)
    online = f"crm_mon -1 2>/dev/null | grep -q 'Online: . {names} '"
    wait_for(lambda: hosts[0].sh(f"{online}; echo $?") == "0", "the cluster is whole", 90, pause=0.5)


@dataclass(frozen=True)
class Managed:
    """A service that is on one host of a cluster, where Pacemaker puts it; it speaks HTTP.

    Attributes:
        resource: its name in the cluster.
        port: where it listens.
        hosts: the cluster.
    """

    resource: str
    port: int
    hosts: Sequence[Host]

    def answers_at(self, host: Host) -> bool:
        return clients.answers("http", host.address, self.port)

    def homes(self) -> list[Host]:
        """Return the hosts at which it answers."""
        return [host for host in self.hosts if self.answers_at(host)]

    def home(self) -> Host:
        """Return where it is, when it is somewhere."""
        wait_for(self.homes, f"{self.resource} is somewhere", 60, pause=0.5)
        (host,) = self.homes()
        return host

    def bans(self) -> list[str]:
        """Return the bans in the cluster's configuration, by the names that Pacemaker gives them."""
        query = "cibadmin --query --xpath //constraints | grep -o 'cli-ban-[a-z_]*-on-[a-z0-9-]*'; true"
        return self.hosts[0].sh(query).split()
