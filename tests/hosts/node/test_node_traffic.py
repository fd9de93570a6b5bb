"""A network of a node is slow, and as fast as before afterwards; what its kernel can't do is refused."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from hostlab.evidence import Evidence
from hostlab.guest import Guest
from hostlab.lab import Lab
from hostlab.machines import config, managements
from hostlab.observer import Host
from hostlab.waiting import wait_for
from hostlab.ways import allowed

from os_faults import AnsibleExecutionException, ArgumentError, Cloud, NodeCollection, connect

SIZE = 500_000


def seconds(host: Host) -> float:
    """Return how long 4 Mbit from the host take."""
    began = time.monotonic()
    assert len(host.sh(f"yes | head -c {SIZE}")) > SIZE - 2
    return time.monotonic() - began


def discipline(host: Host, interface: str = "stor0") -> str:
    return host.sh(f"tc qdisc show dev {interface}")


def test_bandwidth(nodes: NodeCollection, node_3: Host, evidence: Evidence) -> None:
    before = discipline(node_3)
    with node_3.undone():
        fast = seconds(node_3.over_storage)
        assert nodes.bandwidth("storage", "1M").changed
        slow = seconds(node_3.over_storage)
        assert slow > 3.5 > fast
        assert seconds(node_3.over_management) < 3, "the other network is slow too"
        assert not nodes.bandwidth("storage", "1M", heal_after=60).changed
        assert nodes.bandwidth("storage", "100M", heal_after=60).changed
        assert seconds(node_3.over_storage) < 3

        assert nodes.end_bandwidth("storage").changed
        assert discipline(node_3) == before
        assert not nodes.end_bandwidth("storage").changed
        nodes.bandwidth("storage", "1M", heal_after=4)
        wait_for(lambda: discipline(node_3) == before, "the host ends it by itself", 10)
    evidence.seen("bandwidth", f"4 Mbit at 1 Mbit/s: {slow:.1f} s in place of {fast:.1f} s")
    evidence.undone("bandwidth", "by end_bandwidth, and by its time; the kernel's own discipline is back")
    evidence.seen("end_bandwidth", "the kernel's own discipline is back")
    evidence.undone("end_bandwidth", "unit and record gone, host as before")


def test_bandwidth_of_the_network_that_carries_ssh(cloud: Cloud, nodes: NodeCollection, node_3: Host) -> None:
    before = discipline(node_3, "host0")
    with node_3.undone():
        result = nodes.bandwidth("management", "2M", heal_after=60)[node_3.fqdn]
        assert result.payload["state"] == "injected"
        assert seconds(node_3.over_management) > 1.5
        assert cloud.heal().changed
        assert discipline(node_3, "host0") == before


# A guest has a kernel of its own with netem, and one interface, which carries ssh too. It has no systemd, so that a
# watchdog carries the fault.

NETEM = {"latency": 200, "loss": 30}
"""Milliseconds, and percent."""


@pytest.fixture(scope="module")
def guests(lab: Lab, artifacts: Path) -> Iterator[Cloud]:
    """The cloud of the virtual machines."""
    with connect(config(lab, artifacts, managements(lab)["libvirt"])) as cloud:
        yield cloud


@dataclass(frozen=True)
class Ping:
    """How a host answers pings."""

    lost: float
    milliseconds: float


def ping(observer: Host, guest: Guest, count: int = 10) -> Ping:
    said = observer.sh(f"ping -q -i 0.2 -W 2 -c {count} {guest.inside.address}", check=False)
    lost = re.search(r"([0-9.]+)% packet loss", said)
    times = re.search(r"= [0-9.]+/([0-9.]+)/", said)
    assert lost, said
    return Ping(float(lost[1]), float(times[1]) if times else float("inf"))


def is_hit(verb: str, seen: Ping) -> bool:
    return 190 < seen.milliseconds < 3000 if verb == "latency" else 5 < seen.lost < 90


def is_well(seen: Ping) -> bool:
    return seen.lost == 0 and seen.milliseconds < 150


def told(verb: str, seen: Ping) -> str:
    return f"{seen.milliseconds:.0f} ms" if verb == "latency" else f"{seen.lost:.0f} % lost"


@pytest.mark.parametrize("verb", list(NETEM))
def test_netem(guests: Cloud, guest_1: Guest, node_3: Host, verb: str, evidence: Evidence) -> None:
    nodes = guests.get_nodes(fqdns=[guest_1.fqdn])
    kernels_own = discipline(guest_1.inside, "eth0")
    before = ping(node_3, guest_1, 20)
    assert is_well(before)

    assert getattr(nodes, verb)("eth0", NETEM[verb], heal_after=600).changed
    wait_for(lambda: is_hit(verb, ping(node_3, guest_1, 20)), "the network is worse", 60)
    seen = ping(node_3, guest_1, 30)
    assert getattr(nodes, f"end_{verb}")("eth0").changed
    assert is_well(ping(node_3, guest_1, 20))
    assert discipline(guest_1.inside, "eth0") == kernels_own

    assert getattr(nodes, verb)("eth0", NETEM[verb], heal_after=40).changed
    wait_for(lambda: is_hit(verb, ping(node_3, guest_1, 20)), "the network is worse", 30)
    wait_for(lambda: is_well(ping(node_3, guest_1, 20)), "the host ends it by itself", 90)
    assert discipline(guest_1.inside, "eth0") == kernels_own
    evidence.seen(verb, f"pings: {told(verb, seen)} in place of {told(verb, before)}")
    evidence.undone(verb, f"by end_{verb}, and by its time; the kernel's own discipline is back")
    evidence.seen(f"end_{verb}", "pings as before")
    evidence.undone(f"end_{verb}", "record gone, the kernel's own discipline is back")


def test_two_kinds_begin_at_their_start_time(
    guests: Cloud, guest_1: Guest, nodes: NodeCollection, node_3: Host
) -> None:
    """A node of systemd and one without, by what is seen from outside of the one and inside of the other."""
    shaped = "until tc qdisc show dev stor0 | grep -q tbf; do sleep 0.02; done; date +%s.%N"
    far = guests.get_nodes(fqdns=[guest_1.fqdn])
    begun = time.monotonic()
    assert not far.end_latency("eth0").changed
    delay = round(15 + 3 * (time.monotonic() - begun))  # an emulated processor beside others
    pings = f"ping -n -D -i 0.1 -w {delay + 35} {guest_1.inside.address}"
    slow = f"{pings} | sed -n 's/^.\\([0-9.]*\\).*time=[2-9][0-9][0-9].*/\\1/p'"
    with node_3.undone(), ThreadPoolExecutor() as threads:
        seen = [threads.submit(node_3.sh, script, within=delay + 75) for script in (f"{slow} | head -n 1", shaped)]
        start = time.time() + delay
        done = [
            threads.submit(lambda: far.latency("eth0", 400, at=start, heal_after=60)),
            threads.submit(lambda: nodes.bandwidth("storage", "1M", at=start, heal_after=60)),
        ]
        assert all(each.result().changed for each in done)
        began = [float(each.result()) - start for each in seen]
        far.end_latency("eth0")
        nodes.end_bandwidth("storage")
    assert 0 <= began[1] < 1, began
    assert 0 <= began[0] < 3 + allowed(), began  # an emulated processor


@pytest.fixture
def foreign(node_3: Host) -> Iterator[str]:
    """A discipline that somebody else has set up."""
    node_3.sh("tc qdisc add dev stor0 root handle 1: pfifo limit 1000")
    yield discipline(node_3)
    node_3.sh("tc qdisc del dev stor0 root")


def test_a_discipline_of_somebody_else_is_left_alone(nodes: NodeCollection, node_3: Host, foreign: str) -> None:
    with node_3.undone():
        with pytest.raises(AnsibleExecutionException, match=r"stor0 has .* of somebody else \(pfifo 1:\)"):
            nodes.bandwidth("storage", "1M")
        assert discipline(node_3) == foreign


@pytest.mark.parametrize(("verb", "end"), [("latency", "end_latency"), ("loss", "end_loss")])
def test_what_the_kernel_can_not_do_is_refused(nodes: NodeCollection, node_3: Host, verb: str, end: str) -> None:
    """The kernel below the lab's containers has no netem."""
    with node_3.undone():
        before = discipline(node_3)
        with pytest.raises(AnsibleExecutionException, match=r"the kernel of this host can't .* \(no netem"):
            getattr(nodes, verb)("storage")
        assert discipline(node_3) == before
        nodes.bandwidth("storage", "50M")
        with pytest.raises(AnsibleExecutionException, match="no netem"):
            getattr(nodes, verb)("storage")
        assert "tbf" in discipline(node_3), "the other fault is gone"
        nodes.end_bandwidth("storage")
        assert discipline(node_3) == before
        assert not getattr(nodes, end)("storage").changed


def test_bad_numbers_touch_nothing(nodes: NodeCollection, node_3: Host) -> None:
    with node_3.undone():
        with pytest.raises(ArgumentError, match="from 1 to 60000, got: 0"):
            nodes.latency("storage", 0)
        with pytest.raises(ArgumentError, match="to 100, got: 101"):
            nodes.loss("storage", 101)
        with pytest.raises(ArgumentError, match="number, or one with K, M, G or T"):
            nodes.bandwidth("storage", "1Mbit")
