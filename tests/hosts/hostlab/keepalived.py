"""A real keepalived on two hosts, which have one virtual address of each family on the storage network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hostlab.observer import Host
from hostlab.stage import at_once

VIPS = ("10.78.0.250", "fd78::250")

_INSTANCE = """vrrp_instance {name} {{
    state BACKUP
    nopreempt
    interface stor0
    virtual_router_id {number}
    priority {priority}
    advert_int 1
    virtual_ipaddress {{
        {address}
    }}
}}
"""
_START = """
cat >/run/lab-keepalived.conf <<'END'
global_defs {{
    vrrp_version 3
}}
{instances}END
systemd-run --quiet --unit=lab-keepalived keepalived --dont-fork --use-file=/run/lab-keepalived.conf
"""
_STOP = "systemctl stop lab-keepalived; systemctl reset-failed lab-keepalived; rm -f /run/lab-keepalived.conf; true"


@contextmanager
def keepalived(hosts: Sequence[Host]) -> Iterator[None]:
    """Run it on two hosts, of which the first has the addresses to begin with."""

    def start(host: Host) -> None:
        priority = 200 - hosts.index(host)
        instances = "".join(
            _INSTANCE.format(name=f"v{number}", number=number, priority=priority, address=address)
            for number, address in enumerate(VIPS, 41)
        )
        host.sh(_START.format(instances=instances))

    try:
        for host in hosts:
            start(host)
            host.await_true(has_vips(hosts[0] is host), "keepalived has begun", 15)
        yield
    finally:
        at_once(lambda host: host.sh(_STOP, check=False), hosts)


def has_vips(yes: bool = True) -> str:
    """Return the condition of a shell that both addresses are on the host, or that neither is."""
    count = "$(ip -o address show dev stor0 | grep -cE ' ({})/')".format("|".join(VIPS))
    return f"[ {count} = {len(VIPS) if yes else 0} ]"
