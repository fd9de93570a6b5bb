"""What several tests of nodes need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hostlab.disk import DISK
from hostlab.observer import Host


@pytest.fixture(params=["nft", "iptables"])
def tool(request: pytest.FixtureRequest, node_3: Host) -> Iterator[str]:
    """The packet filter that the plain host has."""
    if request.param == "iptables":
        node_3.sh("mv /usr/sbin/nft /root/nft")
    yield request.param
    node_3.sh("[ ! -e /root/nft ] || mv /root/nft /usr/sbin/nft")
    # iptables leaves its tables, empty. A reboot would take them away.
    node_3.sh("for each in ip ip6; do nft delete table $each filter 2>/dev/null; done; true")


@pytest.fixture
def host(node_3: Host) -> Host:
    return node_3


@pytest.fixture
def disk(node_3: Host) -> Iterator[str]:
    """A file system of 32 MiB on the plain host, whose name a shell could misread."""
    node_3.sh(f"mkdir '{DISK}' && mount -t tmpfs -o size=32m tmpfs '{DISK}'")
    yield DISK
    node_3.sh(f"umount '{DISK}' && rmdir '{DISK}'")
