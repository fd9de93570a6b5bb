"""The kinds of hosts that clouds have, and what each verb does on them; data, and the table of what was seen."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from hostlab.lab import Lab
from hostlab.observer import Host
from hostlab.rows import ROWS, Row

VIRTUAL = ("matrix-vm", "matrix-se")
"""Virtual machines, which only a lab of ``up --vm`` has: Debian 13, and Debian 12 with SELinux enforcing."""

KINDS = ("matrix-11", "matrix-12", "matrix-13", "matrix-sid")
"""Hosts of the lab with version 2 of control groups, from the oldest release to the newest."""

CLOCK = "read -r up rest </proc/uptime; echo $((($(date +%s) - ${up%.*}) / 30))"
"""When the host has booted, by its clock, in steps of half a minute."""

MAIN_PROCESS = "systemctl show --property=MainPID --value memcached"
NO_CONTROLLERS = "the kernel of this host does not keep memcached.service to"
NO_NETEM = "netem"
NO_CLOCK = "container"
OWN_LIMIT = "without a memory limit of its own"


@dataclass(frozen=True)
class Trial:
    """A verb, and what it must show.

    Attributes:
        row: how it is injected, and how that shows in the fingerprint of a host; without a section it is over with the
            verb.
        refused: what a host says that refuses it, a regular expression; "" where every host does it.
        changes: a command of a shell, which prints something else after the verb; for one that shows in no section.
    """

    row: Row
    refused: str = ""
    changes: str = ""


STORAGE = {"network_name": "storage"}

TRIALS: Mapping[str, Trial] = {
    **{verb: Trial(row) for verb, row in ROWS.items() if verb not in ("partition", "unplug")},
    "unplug": Trial(Row("", "nft", "^table .*unplug", service="memcached")),
    "partition": Trial(Row("", "nft", "^table .*partition", {"others": "node-3.domain.tld"})),
    "limit_memory": Trial(ROWS["limit_memory"], NO_CONTROLLERS),
    "limit_cpu": Trial(ROWS["limit_cpu"], NO_CONTROLLERS),
    "oom": Trial(ROWS["oom"], OWN_LIMIT),
    "latency": Trial(Row("", "qdiscs", "netem", {**STORAGE, "milliseconds": 100}), NO_NETEM),
    "loss": Trial(Row("", "qdiscs", "netem", {**STORAGE, "percent": 5}), NO_NETEM),
    "skew_clock": Trial(Row("", "", "", {"offset": 60}), NO_CLOCK, changes=CLOCK),
    "restart": Trial(Row("", "", "", service="memcached", ends_by=""), changes=MAIN_PROCESS),
    "kill": Trial(Row("", "", "", service="memcached", ends_by=""), changes=MAIN_PROCESS),
    "terminate": Trial(Row("", "", "", service="memcached", ends_by=""), changes=MAIN_PROCESS),
    "reboot": Trial(Row("", "", "", {"wait": True}, ends_by=""), changes="cat /proc/sys/kernel/random/boot_id"),
}


CORE = ("freeze", "unplug", "disable_network", "partition")
"""The rows of the crash matrix that are also tried on each kind."""


def here(lab: Lab) -> dict[str, Host]:
    """Return the hosts by their short names; a lab lacks one where the mirror of its release could not be reached."""
    names = {str(node["name"]) for node in lab.about["nodes"]}
    return {name: Host(lab, name) for name in (*KINDS, *VIRTUAL) if name in names}


def slowness(kinds: Iterable[str]) -> int:
    """Return by how much more time hosts of these kinds need: virtual machines without virtualisation are slow."""
    return 4 if set(kinds) & set(VIRTUAL) else 1


def cloud_of(hosts: Collection[Host], universal: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a universal cloud.

    Args:
        hosts: its nodes.
        universal: the configuration of another one.
    """
    nodes = [
        {
            "ip": host.address,
            "fqdn": host.fqdn,
            "mac": host.mac,
            "auth": {
                "username": host.lab.node(host.name)["user"],
                "private_key_file": host.lab.key,
                "become": host.lab.node(host.name)["become"],
            },
        }
        for host in hosts
    ]
    memcached = {"driver": "systemd", "units": ["memcached.service"]}
    return {
        **universal,
        "ssh": {**universal["ssh"], "connect_timeout": 10 * slowness(host.name for host in hosts)},
        "node_discover": {"driver": "node_list", "args": nodes},
        "services": {
            "memcached": {**memcached, "ports": [["tcp", 11211]]},
            "mysql": {**memcached, "ports": [["tcp", 3306]]},
        },
        "networks": {"storage": "stor0"},
    }


@dataclass
class HostMatrix:
    """What was seen, cell by cell."""

    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    cells: dict[tuple[str, str], str] = field(default_factory=dict)

    def saw(self, verb: str, kind: str, what: str) -> None:
        """A verb did on a kind of host what it must, or was refused in one sentence; ``what`` in few words."""
        self.cells[verb, kind] = what

    def missing(self) -> list[str]:
        """Return the cells that were not seen."""
        return [f"{verb} on {kind}" for verb in TRIALS for kind in self.versions if (verb, kind) not in self.cells]

    def record(self) -> dict[str, Any]:
        """Return it as data, as the documentation shows it."""
        return {
            "date": datetime.now(UTC).date().isoformat(),
            "os_faults": version("os-faults"),
            "kinds": self.versions,
            "verbs": {
                verb: {kind: self.cells.get((verb, kind), "MISSING") for kind in self.versions} for verb in TRIALS
            },
        }

    def table(self) -> list[str]:
        """Return the lines of the printed table."""
        lines = [("", *self.versions)]
        lines += [
            (verb, *(self.cells.get((verb, kind), "MISSING").partition(":")[0] for kind in self.versions))
            for verb in TRIALS
        ]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.versions) + 1)]
        return [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        ]


def is_a_sentence(text: str) -> bool:
    """Whether a refusal can be read by a person: one line, and no name of an exception."""
    return bool(text) and "\n" not in text and not re.search(r"\b[A-Z]\w*Error\b|Traceback", text)
