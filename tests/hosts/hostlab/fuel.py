"""A cloud of Fuel in the lab: its command line on the master, what stands for Nailgun, and bridges on the slaves."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hostlab import nailgun
from hostlab.observer import Host
from hostlab.stage import at_once
from hostlab.waiting import wait_for

_PROGRAM = Path(nailgun.__file__)

# The host's own script makes them, as at each boot; in one go, as the connection that says it goes over one of them.
_RENAME = """
. /etc/default/lab-net
for link in $MANAGEMENT $STORAGE; do
    ip address flush dev $link scope global
    case $link in br-*) ip link del $link ;; esac
done
ip rule del from 10.78.0.$INDEX lookup 100
printf '%s\\n' INDEX=$INDEX MANAGEMENT={management} STORAGE={storage} >/etc/default/lab-net
/usr/local/sbin/lab-net
"""


@dataclass(frozen=True)
class Master:
    """The host with Fuel's command line; what stands for Nailgun runs on it.

    Attributes:
        host: where that is.
    """

    host: Host

    def enrol(self, slaves: Sequence[Host], roles: Mapping[str, Sequence[str]] | None = None) -> None:
        """Make some hosts the nodes of the cloud, and one that belongs to no environment.

        Args:
            slaves: the hosts.
            roles: name of a host → what Fuel has made of it; nothing by default.
        """
        nodes = [
            {
                "id": number,
                "fqdn": slave.fqdn,
                "ip": slave.address,
                "mac": slave.mac,
                "cluster": 1,
                "roles": list((roles or {}).get(slave.name, ())),
            }
            for number, slave in enumerate(slaves, 1)
        ]
        spare = {**nodes[0], "id": 99, "fqdn": "bootstrap", "ip": "10.77.0.99", "cluster": None, "roles": []}
        self.host.sh(f"echo {shlex.quote(json.dumps([*nodes, spare]))} >{nailgun.NODES}")

    def management(self, username: str) -> dict[str, Any]:
        """Return the ``cloud_management`` of the cloud, without a key.

        Args:
            username: who logs in to the master, and through it to the nodes.
        """
        return {"driver": "fuel", "address": self.host.fqdn, "username": username}


@contextmanager
def serving(host: Host) -> Iterator[Master]:
    """Let a host be the master of a cloud that has no nodes yet."""
    host.sh(f"cat >/tmp/nailgun.py <<'END'\n{_PROGRAM.read_text(encoding='utf-8')}END\necho '[]' >{nailgun.NODES}")
    try:
        host.sh("systemd-run --quiet --unit=nailgun python3 /tmp/nailgun.py")
        wait_for(lambda: host.sh("fuel2 node list >/dev/null 2>&1; echo $?") == "0", "Fuel answers", 30)
        yield Master(host)
    finally:
        host.sh(f"systemctl stop nailgun; rm -f /tmp/nailgun.py {nailgun.NODES}", check=False)


@contextmanager
def bridged(slaves: Sequence[Host]) -> Iterator[None]:
    """Give hosts the bridges that Fuel makes; they are there after a reboot too."""
    at_once(lambda host: host.sh(_RENAME.format(management="br-mgmt", storage="br-storage")), slaves)
    try:
        yield
    finally:
        at_once(
            lambda host: host.sh(
                _RENAME.format(management=host.management_interface, storage=host.storage_interface), check=False
            ),
            slaves,
        )
