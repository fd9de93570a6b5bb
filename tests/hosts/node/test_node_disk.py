"""A file system of a node is full, or can't be written to, and is as before afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hostlab.evidence import Evidence
from hostlab.observer import Host
from hostlab.waiting import wait_for

from os_faults import AnsibleExecutionException, ArgumentError, Cloud, NodeCollection

DISK = "/srv/a disk; $(touch evil)"
MEBI = 1024 * 1024


@pytest.fixture
def nodes(cloud: Cloud, node_3: Host) -> NodeCollection:
    return cloud.get_nodes(fqdns=[node_3.fqdn])


@pytest.fixture
def disk(node_3: Host) -> Iterator[str]:
    """A file system of 32 MiB on the plain host, whose name a shell could misread."""
    node_3.sh(f"mkdir '{DISK}' && mount -t tmpfs -o size=32m tmpfs '{DISK}'")
    yield DISK
    node_3.sh(f"umount '{DISK}' && rmdir '{DISK}'")


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


def writable(host: Host) -> bool:
    return host.sh(f"touch '{DISK}/new' 2>/dev/null && rm '{DISK}/new' && echo yes; true") == "yes"


def test_read_only(nodes: NodeCollection, disk: str, node_3: Host, evidence: Evidence) -> None:
    node_3.sh(f"echo kept >'{disk}/file'")
    with node_3.undone():
        mounts = node_3.sh("cat /proc/self/mountinfo")
        assert nodes.read_only(disk).changed
        assert not writable(node_3)
        assert node_3.sh(f"cat '{disk}/file'") == "kept"
        private = f"systemd-run --quiet --collect --wait --pipe --property=PrivateTmp=yes touch '{disk}/new' 2>&1; true"
        assert "Read-only file system" in node_3.sh(private)
        assert not nodes.read_only(disk, heal_after=60).changed

        assert nodes.read_write(disk).changed
        assert writable(node_3)
        assert node_3.sh("cat /proc/self/mountinfo") == mounts
        assert not nodes.read_write(disk).changed
    evidence.seen("read_only", "a write fails: read-only file system, in a private mount namespace too")
    evidence.undone("read_only", "by read_write; the mounts are as before")
    evidence.seen("read_write", "a write goes well")
    evidence.undone("read_write", "unit, record and mount gone, host as before")


def test_a_read_only_directory_in_use(nodes: NodeCollection, disk: str, node_3: Host, evidence: Evidence) -> None:
    with node_3.undone():
        nodes.read_only(disk, heal_after=5)
        node_3.sh(f"systemd-run --quiet --unit=beat --working-directory='{disk}' sleep 60")
        wait_for(lambda: writable(node_3), "the host makes it writable by itself", 10)
        node_3.sh("touch /proc/$(systemctl show --property=MainPID --value beat)/cwd/new; systemctl stop beat")
    evidence.undone("read_only", "by its time, though a process was at work there")


def test_what_must_not_be_read_only(cloud: Cloud, nodes: NodeCollection, disk: str, node_3: Host) -> None:
    with node_3.undone():
        for path, why in {
            "/": "must stay writable",
            "/run": "must stay writable",
            "/srv": "would be hidden",
            "/proc/sys": "not on a disk",
            "srv": "must be absolute",
        }.items():
            with pytest.raises(AnsibleExecutionException, match=why):
                nodes.read_only(path)
        assert cloud.faults() == []


def test_the_way_back_needs_no_room_for_temporary_files(cloud: Cloud, nodes: NodeCollection, node_3: Host) -> None:
    with node_3.undone():
        for path in ("/tmp", "/var/tmp", "/root"):
            nodes.read_only(path)
        assert len(cloud.faults()) == 3
        nodes.read_write("/tmp")
        assert cloud.heal().changed
