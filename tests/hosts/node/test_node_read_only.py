"""A file system of a node can't be written to, and is as before afterwards."""

from __future__ import annotations

import pytest
from hostlab.disk import DISK
from hostlab.evidence import Evidence
from hostlab.observer import Host
from hostlab.waiting import wait_for

from os_faults import AnsibleExecutionException, Cloud, NodeCollection


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
