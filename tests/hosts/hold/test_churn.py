"""A living host: addresses move, and what others have comes and goes, while faults are made and undone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hostlab.churn import GOES, STAYS, churn, rounds
from hostlab.fingerprint import traces
from hostlab.keepalived import has_vips, keepalived
from hostlab.observer import Host

from os_faults import Cloud, connect

FULL, READ_ONLY = "/srv/churn-full", "/srv/churn-read-only"
_DISK = f"mkdir -p {FULL} {READ_ONLY}; mount -t tmpfs -o size=32M full {FULL}; touch {READ_ONLY}/file"
_NO_DISK = f"umount {FULL}; rm -rf {FULL} {READ_ONLY}"

IDS = {
    "bandwidth-management",
    "dns_down-dns",
    "disable_network-storage",
    f"fill_disk-{FULL.replace('/', '-')}",
    "freeze-memcached",
    "partition-cluster-3.domain.tld",
    f"read_only-{READ_ONLY.replace('/', '-')}",
    "stress-kernel",
    "unplug-memcached",
}
KILLED = {"disable_network-storage", "read_only--srv-churn-read-only"}
"""Those whose carriers are killed, so that they end without a run."""


@pytest.fixture
def cloud(universal_config: dict[str, Any], cluster: list[Host]) -> Iterator[Cloud]:
    memcached = {"driver": "system_service", "args": {"service_name": "memcached", "grep": "memcached"}}
    networks = {
        "storage": {host.fqdn: host.storage_interface for host in cluster},
        "management": {host.fqdn: host.management_interface for host in cluster},
    }
    with connect({**universal_config, "services": {"memcached": memcached}, "networks": networks}) as cloud:
        yield cloud
        cloud.heal()


@pytest.mark.case("f02", "f03", "f06", "f08")
def test_faults_on_a_living_host(cloud: Cloud, cluster: list[Host]) -> None:
    living, other = cluster[:2]
    nodes, service = cloud.get_nodes([living.fqdn]), cloud.get_service("memcached")
    living.sh(_DISK)
    try:
        with living.undone(), keepalived([living, other]), churn(living):
            with cloud.together():
                nodes.disable_network("storage")
                nodes.dns_down()
                nodes.partition(cloud.get_nodes(["cluster-3.domain.tld"]))
                nodes.fill_disk(FULL, free="1M")
                nodes.read_only(READ_ONLY)
                nodes.stress("kernel", duration=600)
                nodes.bandwidth("management", "50M")
                service.freeze(nodes)
                service.unplug(nodes)
            other.await_true(has_vips(), "the virtual addresses have moved", 10)
            assert {fault.id: fault.state for fault in cloud.faults()} == dict.fromkeys(IDS, "injected")

            living.sh(f"nft flush ruleset\n{STAYS}")
            ended = {fault.id for fault in cloud.faults() if fault.state == "not in force"}
            assert ended == {"dns_down-dns", "partition-cluster-3.domain.tld", "unplug-memcached"}

            units = " ".join(f"os-faults-{each}.service" for each in KILLED)
            living.sh(f"systemctl kill --signal=KILL --kill-whom=main {units}")
            left = " ".join(f"/run/os-faults/{each}" for each in KILLED)
            living.await_true(f'[ -z "$(ls -d {left} 2>/dev/null)" ]', "they have ended", 30)

            healed = cloud.heal()[living.fqdn]
            assert healed.ok, healed.message
            assert set(healed.payload["undone"]) == set(healed.payload["in_force_seconds"]) == IDS - KILLED
            notes = healed.payload["notes"]
            assert {note.partition(":")[0] for note in notes if "not in force any more" in note} == ended
            assert "changed meanwhile, not by us: + link tap-stays = up" in notes
            assert not traces(living.fingerprint())
            living.await_true(has_vips(False), "the virtual addresses stay where they are", 1)
            other.await_true(has_vips(), "the virtual addresses stay where they are", 1)
            living.sh(GOES)
            assert rounds(living) > 10, "little has come and gone meanwhile"
    finally:
        living.sh(f"{GOES}\n{_NO_DISK}", check=False)
