"""The light hosts of the lab, seen by what their one service says."""

from __future__ import annotations

import copy
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hostlab.lab import Lab

MANY = 30


@dataclass(frozen=True)
class Wide:
    """Light hosts.

    Attributes:
        lab: as it describes itself.
    """

    lab: Lab

    @property
    def hosts(self) -> list[dict[str, str]]:
        """The hosts as the lab describes them."""
        return list(self.lab.about["wide"]["nodes"][:MANY])

    def config(self, base: Mapping[str, Any], count: int = MANY) -> dict[str, Any]:
        """Return the configuration of a cloud of the first of them, to be changed by a test.

        Args:
            base: another configuration, whose general keys are taken.
            count: how many hosts.
        """
        service = self.lab.about["wide"]["service"]
        auth = {"username": self.lab.about["wide"]["user"], "private_key_file": self.lab.key}
        nodes = [
            {"ip": host["address"], "fqdn": host["fqdn"], "mac": f"52:54:00:79:00:{number:02x}", "auth": auth}
            for number, host in enumerate(self.hosts[:count], 11)
        ]
        how = {key: service[key] for key in ("pidfile", "start", "port")}
        return {
            "cloud_management": {"driver": "universal"},
            "node_discover": {"driver": "node_list", "args": copy.deepcopy(nodes)},
            "services": {service["name"]: {"driver": "process", "args": how}},
            **{key: base[key] for key in ("ssh", "artifacts_dir", "heal_after")},
        }

    def processes(self, count: int = MANY) -> dict[str, int | None]:
        """Return name of the host → process number of its memcached, None where it does not answer."""
        hosts = self.hosts[:count]
        with ThreadPoolExecutor(count) as pool:
            found = pool.map(_process_of, (host["address"] for host in hosts))
            return dict(zip((host["fqdn"] for host in hosts), found, strict=True))

    def all_answer(self) -> bool:
        """Whether every service does."""
        return None not in self.processes().values()


def _process_of(address: str) -> int | None:
    with suppress(OSError), socket.create_connection((address, 11211), timeout=3) as connection:
        connection.sendall(b"stats\r\n")
        answer = connection.makefile("rb")
        while (line := answer.readline().split()) and line[0] != b"END":
            if line[1] == b"pid":
                return int(line[2])
    return None
