"""A file system of a node is full, and has its space again afterwards."""

from __future__ import annotations

import pytest
from hostlab.disk import DISK
from hostlab.evidence import Evidence
from hostlab.observer import Host
from hostlab.waiting import wait_for

from os_faults import AnsibleExecutionException, ArgumentError, Cloud, NodeCollection

MEBI = 1024 * 1024


def free(host: Host) -> int:
    return int(host.sh(f"df --output=avail --block-size=1 '{DISK}' | tail -n 1"))


def fits(host: Host, size: str) -> bool:
    """Whether a user of the host can write so much."""
    write = f"runuser -u nobody -- head -c {size} /dev/zero 2>/dev/null >written && echo yes; rm -f written"
    return host.sh(f"cd '{DISK}' && {write}") == "yes"


def test_fill_disk(nodes: NodeCollection, disk: str, node_3: Host, evidence: Evidence) -> None:
    with node_3.undone():
        assert fits(node_3, "20M")
        nodes.fill_disk(disk, free="5M")
        assert free(node_3) == 5 * MEBI
        assert fits(node_3, "4M")
        assert not fits(node_3, "6M")
        assert node_3.sh(f"ls -A '{disk}'") == ""

        assert nodes.fill_disk(disk, free=0).changed
        assert not fits(node_3, "1")
        nodes.fill_disk(disk, free="12M")
        assert free(node_3) == 12 * MEBI

        assert nodes.free_disk(disk).changed
        assert free(node_3) == 32 * MEBI
        assert not nodes.free_disk(disk).changed
    evidence.seen("fill_disk", "df tells so, a user's write fails: no space left")
    evidence.undone("fill_disk", "by free_disk; all the space is back")
    evidence.seen("free_disk", "all the space is back")
    evidence.undone("free_disk", "unit, record and process gone, host as before")


def test_the_space_comes_back_when_all_is_killed(
    nodes: NodeCollection, disk: str, node_3: Host, evidence: Evidence
) -> None:
    with node_3.undone():
        nodes.fill_disk(disk)
        # The second unit may be gone with the first before its turn comes.
        node_3.sh("systemctl kill --signal=KILL os-faults-fill_disk-*", check=False)
        wait_for(lambda: fits(node_3, "20M"), "the space comes back when all of the fault is killed", 10)
    evidence.undone("fill_disk", "when its processes were killed")


def test_two_disks_are_two_faults(nodes: NodeCollection, disk: str, node_3: Host) -> None:
    with node_3.undone():
        node_3.sh(f"mkdir '{disk}/below'")
        nodes.fill_disk(disk, free="20M")
        nodes.fill_disk(f"{disk}/below", free="10M")
        nodes.free_disk(disk)
        assert free(node_3) == 22 * MEBI
        nodes.free_disk(f"{disk}/below")
        assert free(node_3) == 32 * MEBI


def test_what_must_not_be_filled(cloud: Cloud, nodes: NodeCollection, node_3: Host) -> None:
    with node_3.undone():
        with pytest.raises(ArgumentError, match="number, or one with K, M, G or T"):
            nodes.fill_disk("/srv", free="10 percent")
        for path, why in {
            "/": "root file system of a container",
            "/var/tmp": "root file system of a container",
            "/run": "where the host keeps its faults",
            "/dev/shm": "there is less of it than would be filled",
            "/etc/passwd": "there is no directory /etc/passwd",
        }.items():
            with pytest.raises(AnsibleExecutionException, match=why):
                nodes.fill_disk(path)
        assert cloud.faults() == []
