"""Configurations of os_faults for the guests, with each way to their power."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hostlab.guest import Guest
from hostlab.lab import Lab
from os_faults import Cloud, NodeCollection

PIDFILE = "/run/memcached/memcached.pid"


@dataclass(frozen=True)
class By:
    """A cloud of the guests whose power one driver has."""

    driver: str
    cloud: Cloud

    def nodes(self, *guests: Guest) -> NodeCollection:
        return self.cloud.get_nodes(fqdns=[guest.fqdn for guest in guests])


def managements(lab: Lab) -> dict[str, dict[str, Any]]:
    """Return name of a power driver → its configuration, which knows both guests."""
    hypervisor, guests = lab.about["hypervisor"], lab.about["guests"]
    redfish, ipmi = hypervisor["redfish"], hypervisor["ipmi"]
    bmcs = {
        guest["mac"].upper(): {"address": guest["bmc"]["name"], "username": ipmi["user"], "password": ipmi["password"]}
        for guest in guests
    }
    return {
        "libvirt": {"driver": "libvirt", "address": "host.local", "username": "root", "private_key_file": lab.key},
        "ipmi": {"driver": "ipmi", "mac_to_bmc": bmcs},
        "redfish": {
            "driver": "redfish",
            "url": redfish["http"],
            "insecure_http": True,
            "username": redfish["user"],
            "password": redfish["password"],
        },
    }


def config(lab: Lab, artifacts: Path, *powers: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a cloud that is the two guests, with memcached for its service.

    Args:
        lab: the lab.
        artifacts: directory of the runs.
        powers: its power managements.
    """
    login = {"username": "root", "private_key_file": lab.key}
    return {
        "cloud_management": {"driver": "universal", **login},
        "node_discover": {
            "driver": "node_list",
            "args": [
                {"ip": guest["address"], "fqdn": guest["fqdn"], "mac": guest["mac"], **login}
                for guest in lab.about["guests"]
            ],
        },
        "services": {
            "memcached": {
                "driver": "process",
                "pidfile": PIDFILE,
                "start": ["memcached", "-d", "-u", "memcache", "-P", PIDFILE],
                "port": 11211,
            }
        },
        "power_managements": list(powers),
        "ssh": {"host_key_policy": "strict", "known_hosts": lab.known_hosts, "connect_timeout": 15},
        "artifacts_dir": str(artifacts),
    }
