"""Hosts without tools, full, crowded or degraded: a fault works and goes, or one sentence refuses it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hostlab.kinds import CORE, TRIALS, cloud_of, is_a_sentence
from hostlab.lab import Lab
from hostlab.observer import Host

from os_faults import Cloud, connect
from os_faults.actions import undoing

SECONDS = 600
_WITHOUT_NFT = "mv /usr/sbin/nft /usr/sbin/nft.away"
_WITH_NFT = "mv /usr/sbin/nft.away /usr/sbin/nft"
_MANY_MOUNTS = """
mkdir -p /run/odd && mount -t tmpfs odd /run/odd && python3 -c '
import ctypes, os
libc = ctypes.CDLL(None)
for number in range({number}):
    path = b"/run/odd/%d" % number
    os.mkdir(path)
    assert libc.mount(b"/run/odd/0", path, b"", 4096, None) == 0 or number == 0  # MS_BIND
'
"""


@dataclass(frozen=True)
class Oddity:
    """What is odd about a host.

    Attributes:
        make: commands of a shell that make the host so.
        unmake: commands that take it back.
        refused: verb → what the host says that refuses it there, a regular expression.
        address: the attribute of the host with the address over which it is reached.
    """

    make: str
    unmake: str
    refused: Mapping[str, str] = field(default_factory=dict)
    address: str = "address"


NO_RULES = "neither nft nor iptables"
ODDITIES: Mapping[str, Oddity] = {
    "no nft, iptables by it": Oddity(_WITHOUT_NFT, _WITH_NFT),
    "neither nft nor iptables": Oddity(
        f"{_WITHOUT_NFT}; mkdir /usr/sbin/away; mv /usr/sbin/xtables-*-multi /usr/sbin/away/",
        f"{_WITH_NFT}; mv /usr/sbin/away/* /usr/sbin/; rmdir /usr/sbin/away",
        {"unplug": NO_RULES, "partition": NO_RULES},
    ),
    "/run full": Oddity(
        "mount -o remount,size=$(($(df -k --output=used /run | tail -n 1) + 64))k /run\n"
        "dd if=/dev/zero of=/run/odd bs=4k status=none 2>/dev/null; true",
        "rm -f /run/odd; mount -o remount,size=20% /run",
        dict.fromkeys(CORE, "so none was made: No space left on device"),
    ),
    "degraded": Oddity(
        "systemd-run --quiet --unit=odd false; sleep 1; systemctl is-failed --quiet odd",
        "systemctl reset-failed odd",
    ),
    "2 000 mounts": Oddity(
        _MANY_MOUNTS.format(number=2000), "umount --recursive --lazy /run/odd; rmdir /run/odd; sleep 3"
    ),
    "read-only root": Oddity("mount -o remount,bind,ro /", "mount -o remount,bind,rw /"),
    "a name of 63 letters": Oddity(f"hostname {'n' * 63}", "hostname $(cat /etc/hostname)"),
    "IPv6 only": Oddity(
        "{ ip -4 address show dev host0 | awk '/inet / { print $2 }'; ip -4 route show dev host0 default; } >/run/odd\n"
        "ip -4 address flush dev host0",
        "{ read -r address; read -r route; } </run/odd; rm /run/odd\n"
        "ip address add $address dev host0 && ip route add $route dev host0",
        address="address6",
    ),
}


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    return Host(lab, "matrix-12")


@pytest.fixture
def odd(host: Host, request: pytest.FixtureRequest) -> Iterator[Oddity]:
    oddity = ODDITIES[request.param]
    with host.undone(60):
        host.sh(oddity.make, within=240)
        try:
            yield oddity
        finally:
            host.sh(oddity.unmake, check=False, within=240)


@pytest.fixture
def cloud(odd: Oddity, host: Host, node_3: Host, universal_config: dict[str, Any]) -> Iterator[Cloud]:
    config = cloud_of([host, node_3], universal_config)
    for node, each in zip(config["node_discover"]["args"], (host, node_3), strict=True):
        node["ip"] = getattr(each, odd.address)
    with connect(config) as cloud:
        yield cloud
        cloud.heal()


@pytest.mark.parametrize("odd", ODDITIES, indirect=True)
def test_core_faults(odd: Oddity, host: Host, cloud: Cloud) -> None:
    with host.undone(60):
        for verb in CORE:
            row = TRIALS[verb].row
            action = row.action(cloud, verb, cloud.get_nodes([host.fqdn]), SECONDS)
            answer = cloud.perform(action, check=False)[host.fqdn]
            if verb in odd.refused:
                assert not answer.ok, f"{verb} is no longer refused"
                assert re.search(odd.refused[verb], answer.message), answer.message
                assert is_a_sentence(answer.message), answer.message
                continue
            assert answer.ok, f"{verb}: {answer.message}"
            found = host.fingerprint()
            by_iptables = "nft.away" in odd.make and any("osf-" in line for line in found["iptables"])
            assert row.shown(found) or by_iptables, f"{verb} does not show on the host"
            cloud.perform(undoing(action))
    assert host.holds() == {}
