"""Where and how each fault of the crash matrix is injected; data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hostlab.fingerprint import Fingerprint
from os_faults import Cloud, NodeCollection
from os_faults.model import Action

DISK = "/srv/matrix"
"""A file system of its own on every host, which is there after a reboot too."""


@dataclass(frozen=True)
class Row:
    """One fault.

    Attributes:
        host: where it is injected. All rows are there at once, so what would disturb each other is on different hosts.
        section: the part of the host's fingerprint in which it shows.
        shows: what is found there while it is there, a regular expression.
        options: of the verb.
        service: on which it acts; "" for a verb of nodes.
        ends_by: the option with the seconds after which it ends; "" for one that does not last.
    """

    host: str
    section: str
    shows: str
    options: Mapping[str, Any] = field(default_factory=dict)
    service: str = ""
    ends_by: str = "heal_after"

    def shown(self, found: Fingerprint) -> bool:
        """Whether the fault is there, in a fingerprint of its host."""
        return any(re.search(self.shows, line) for line in found[self.section])

    def action(self, cloud: Cloud, verb: str, nodes: NodeCollection, seconds: int) -> Action:
        """Return the action that injects it, for some seconds if it lasts."""
        options = {**self.options, **({self.ends_by: seconds} if self.ends_by else {})}
        if self.service:
            return cloud.get_service(self.service).action(verb, nodes, **options)
        return nodes.action(verb, **options)


OOM = "oom"
"""The one whose verb returns when the fault is over; what fills the memory is held still, so that it lasts."""

ROWS: Mapping[str, Row] = {
    "disable_network": Row("node-1", "links", r"stor0.* state DOWN", {"network_name": "storage"}),
    "dns_down": Row("node-1", "nft", "^table .*dns_down"),
    "read_only": Row("node-1", "mounts", f"{DISK} tmpfs ro", {"path": DISK}),
    "stress": Row("node-1", "processes of os_faults", "^stress-ng", {"target": "cpu"}, ends_by="duration"),
    "freeze": Row("node-2", "stopped processes", "memcached", service="memcached"),
    "unplug": Row("node-2", "nft", "^table .*unplug", service="mysql"),
    "partition": Row("node-2", "nft", "^table .*partition", {"others": "node-3.domain.tld"}),
    "fill_disk": Row("node-2", "free space", rf"^\d {DISK}", {"path": DISK, "free": "4M"}),
    OOM: Row("node-3", "stopped processes", "eat_memory", ends_by="duration"),
    "bandwidth": Row("node-3", "qdiscs", "tbf", {"network_name": "storage", "rate": "1M"}),
    "limit_memory": Row("node-3", "limits", "MemoryMax=67108864", {"memory": "64M"}, service="memcached"),
    "limit_cpu": Row("node-3", "limits", "CPUQuotaPerSecUSec=500ms", {"percent": 50}, service="memcached"),
}


def action_of(cloud: Cloud, verb: str, fqdn: str, seconds: int) -> Action:
    """Return the action that injects a fault.

    Args:
        cloud: of the lab.
        verb: the fault.
        fqdn: of the node that it is injected on.
        seconds: after which it ends.
    """
    return ROWS[verb].action(cloud, verb, cloud.get_nodes([fqdn]), seconds)
