"""node_network.yml, as far as it goes without root: what is refused, and what the undo brings back on a living host."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import fault_in_namespace
from support.held_service import directory_of, without_systemd
from support.own_hosts import OwnHost, two_hosts

from os_faults import resources

FILES = resources.playbooks_dir() / "files"

pytestmark = [pytest.mark.functional, pytest.mark.usefixtures("runtime_directory")]


@without_systemd
def test_a_network_is_not_cut_where_nothing_could_undo_it(play):
    why = "cuts a network and needs systemd and root on the host to carry its undo"
    disable = play("node_network.yml", node_action="disable_network", network_name="lo")
    assert disable.failures == {"here": f"disable_network lo {why}"}
    assert directory_of("disable_network-lo") is None


@pytest.mark.each_line
def test_an_unknown_network_is_refused_with_those_that_are_known(play):
    refused = play(
        "node_network.yml",
        inventory={"os_faults_networks": {"management": "lo", "storage": "no-such-0"}},
        node_action="disable_network",
        network_name="storrage",
        check=True,
    )
    assert refused.failures == {"here": "network 'storrage' is not known; known: management, storage"}
    assert not play("node_network.yml", node_action="enable_network", network_name="lo", check=True).result["changed"]


# ---- what an interface has back after it was down, on a network of this user's own --------------------------------


class Down:
    """An interface that is set down and up again on one of two hosts."""

    def __init__(self, directory: Path, here: OwnHost, there: OwnHost) -> None:
        self.directory, self.here, self.there = directory, here, there
        for script in FILES.glob("network/*.sh"):
            shutil.copy(script, directory)
        (directory / "targets").write_text("interface=v0\n")

    def and_up(self, meanwhile: str = "true", while_injecting: str = "true", before_the_undo: str = "true") -> Undo:
        """Return how the undo was judged, after something else had happened on this host."""
        commands = (f"{while_injecting}; sh net_down.sh", meanwhile, f"{before_the_undo}; sh net_up.sh")
        program = shlex.join([sys.executable, fault_in_namespace.__file__, str(self.directory), "interface", *commands])
        return Undo(**json.loads(self.here.sh(program).splitlines()[-1]))

    def on_the_other(self, command: str) -> str:
        """Return the command that does one on the other host."""
        return f"nsenter --net=/proc/{self.there.process.pid}/ns/net {command}"

    def addresses(self, version: int = 6) -> list[str]:
        """Return the addresses that this host has, without those that the kernel makes."""
        rows = self.here.sh(f"ip -o -{version} address show dev v0 scope global").splitlines()
        return [row.partition("\\")[0].split(maxsplit=3)[3].strip() for row in rows]


@dataclass
class Undo:
    """What came of an undo."""

    rc: int
    said: str
    notes: list[str]
    left: list[str]
    drift: list[str]


@pytest.fixture
def down(tmp_path: Path) -> Iterator[Down]:
    with two_hosts() as hosts:
        if hosts is None:
            pytest.skip("this user can't have a network of its own")
        yield Down(tmp_path, *hosts)


@pytest.mark.case("f03")
def test_an_ipv4_vip_that_has_moved_is_told_and_is_no_failure(down):
    down.here.sh("ip address add 10.99.0.1/24 dev v0 && ip address add 10.99.0.250/32 dev v0")
    down.here.sh("ip route add 10.98.0.0/24 via 10.99.0.9 src 10.99.0.250")
    undo = down.and_up("ip address del 10.99.0.250/32 dev v0")
    assert (undo.rc, undo.left) == (0, [])
    assert any(line.startswith("- address: v0 inet 10.99.0.250/32") for line in undo.drift)
    assert down.addresses(4) == ["10.99.0.1/24 scope global v0"]


@pytest.mark.case("f03")
def test_a_vip_that_has_moved_excuses_no_route_of_another_address(down, tmp_path):
    """Somebody deletes it as often as the undo brings it back; all pauses are short ones."""
    down.here.sh("ip address add 10.99.0.1/24 dev v0 && ip address add 10.99.0.250/32 dev v0")
    down.here.sh("ip route add 10.98.0.0/24 via 10.99.0.9 && ip route add 10.97.0.0/24 via 10.99.0.9 src 10.99.0.250")
    (tmp_path / "sleep").write_text("#!/bin/sh\nexec /bin/sleep 0.01\n")
    (tmp_path / "sleep").chmod(0o755)
    deletes = "(for each in $(seq 2000); do ip route del 10.98.0.0/24; /bin/sleep 0.01; done) >/dev/null 2>&1 &"
    undo = down.and_up(
        "ip address del 10.99.0.250/32 dev v0", before_the_undo=f"{deletes} PATH={tmp_path}:$PATH; export PATH"
    )
    assert undo.rc == 1
    assert "10.98.0.0/24" in undo.said
    assert "10.97.0.0/24" not in undo.said.partition("not as before on v0")[2]


def test_what_can_not_be_written_is_not_lost(down, tmp_path):
    down.here.sh("ip address add fd00:99::1/64 dev v0 nodad")
    down.here.sh("mkdir saved && sh net_state.sh v0 saved && ln -s /dev/full saved/addresses6.new", tmp_path)
    before = (tmp_path / "saved" / "addresses6").read_text()
    assert down.here.sh("sh net_down.sh >/dev/null 2>&1; echo $?", tmp_path) == "1\n"
    assert (tmp_path / "saved" / "addresses6").read_text() == before
    down.here.sh("rm saved/addresses6.new; sh net_up.sh", tmp_path)
    assert down.addresses() == ["fd00:99::1/64 scope global nodad"]


@pytest.mark.case("f02")
def test_an_ipv6_vip_is_left_to_who_moves_it(down, tmp_path):
    own, vip = "fd00:99::1/64", "fd00:99::250/128"
    down.here.sh(f"for each in {own} {vip}; do ip address add $each dev v0 nodad; done")
    shutil.copy(sys.executable, tmp_path / "keepalived")
    moves = subprocess.Popen([tmp_path / "keepalived", "-c", "import time; time.sleep(60)"])
    try:
        undo = down.and_up()
    finally:
        moves.kill()
        moves.wait()
    assert (undo.rc, undo.left) == (0, [])
    assert down.addresses() == [f"{own} scope global nodad"]
    assert any("fd00:99::250 is a virtual address" in note for note in undo.notes)


@pytest.mark.case("f02")
def test_a_single_ipv6_address_is_given_back_where_nobody_moves_any(down):
    addresses = ["fd00:99::1/64", "fd00:99::250/128"]
    down.here.sh(f"for each in {' '.join(addresses)}; do ip address add $each dev v0 nodad; done")
    undo = down.and_up()
    assert (undo.rc, undo.left) == (0, [])
    assert sorted(down.addresses()) == [f"{each} scope global nodad" for each in addresses]


@pytest.mark.case("f02")
def test_an_ipv6_address_that_another_host_has_by_now_is_not_given_back(down):
    """As with Pacemaker, whose address looks like any other."""
    down.here.sh("for last in 1 250; do ip address add fd00:99::$last/64 dev v0 nodad; done")
    down.here.sh("ip -6 route add fd00:98::/64 via fd00:99::9 dev v0")
    undo = down.and_up(down.on_the_other("ip address add fd00:99::250/64 dev v0 nodad"))
    assert (undo.rc, undo.left) == (0, [])
    assert down.addresses() == ["fd00:99::1/64 scope global nodad"]
    assert any(line.startswith("- address: v0 inet6 fd00:99::250/64") for line in undo.drift)
    assert any("another host on the network of v0 has fd00:99::250" in note for note in undo.notes)
    assert down.here.sh("ip -6 route show fd00:98::/64")


@pytest.mark.case("f02")
def test_an_address_that_the_kernel_keeps_is_not_given_back_when_somebody_takes_it(down):
    down.here.sh("ip address add fd00:99::1/64 dev v0 nodad && echo 1 >/proc/sys/net/ipv6/conf/v0/keep_addr_on_down")
    undo = down.and_up("ip address del fd00:99::1/64 dev v0")
    assert (undo.rc, undo.left, down.addresses()) == (0, [], [])


@pytest.mark.case("f06")
def test_what_others_do_to_the_host_meanwhile_is_told_and_is_no_failure(down):
    down.here.sh("ip address add 10.99.0.1/24 dev v0 && ip address add fd00:99::1/64 dev v0 nodad")
    guest = "ip link add tap7 type veth peer name peer7 && ip link set tap7 up && ip address add 10.7.0.1/24 dev tap7"
    table = "nft add table inet others && nft add chain inet others c"
    undo = down.and_up(
        while_injecting=f"{guest} && ip address add 10.99.0.77/24 dev v0",
        meanwhile="ip link del tap7 && ip link add tap8 type veth peer name peer8 && ip route add 10.8.0.0/24 dev lo",
        before_the_undo=f"mount -t tmpfs none /mnt && {table}",
    )
    assert (undo.rc, undo.left) == (0, [])
    drift = " ".join(undo.drift)
    assert "+ link tap8" in drift
    assert "10.99.0.77/24" in drift
    assert "+ mount /mnt" in drift


@pytest.mark.case("f28")
def test_the_undo_waits_for_the_carrier(down, tmp_path):
    """The link needs half a minute, and networkd gives the address back with it; here all pauses are short ones."""
    down.here.sh("ip address add 10.99.0.1/24 dev v0 && ip route add 10.98.0.0/24 via 10.99.0.9")
    (tmp_path / "sleep").write_text("#!/bin/sh\nexec /bin/sleep 0.01\n")
    (tmp_path / "sleep").chmod(0o755)
    wait = "until [ $(wc -l <tried.log) -gt 45 ]; do /bin/sleep 0.05; done"
    up = down.on_the_other("ip link set v0 up")
    back = f"({wait}; {up}; ip address add 10.99.0.1/24 dev v0) >/dev/null 2>&1 &"
    undo = down.and_up(
        f"{down.on_the_other('ip link set v0 down')}; ip address del 10.99.0.1/24 dev v0",
        before_the_undo=f"{back} PATH={tmp_path}:$PATH; export PATH",
    )
    assert (undo.rc, undo.left) == (0, []), undo.said
    assert not any("v0" in line for line in undo.drift)
    assert down.here.sh("ip route show 10.98.0.0/24")
