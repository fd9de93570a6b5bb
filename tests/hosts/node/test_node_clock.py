"""A node has the wrong time: ends, lists and undoes of every fault go by another clock."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostlab.child import Child
from hostlab.evidence import Evidence
from hostlab.guest import Guest
from hostlab.lab import Lab
from hostlab.machines import config, managements
from hostlab.observer import Host
from hostlab.waiting import wait_for

from os_faults import AnsibleExecutionException, Cloud, NodeCollection, connect

HOUR = 3600


@pytest.fixture(scope="module")
def guests_config(lab: Lab, artifacts: Path) -> dict[str, Any]:
    return config(lab, artifacts, managements(lab)["libvirt"])


@pytest.fixture(scope="module")
def guests(guests_config: dict[str, Any]) -> Iterator[Cloud]:
    """The cloud of the virtual machines, which have clocks of their own."""
    with connect(guests_config) as cloud:
        yield cloud


@pytest.fixture
def guest(guests: Cloud, guest_1: Guest) -> NodeCollection:
    return guests.get_nodes(fqdns=[guest_1.fqdn])


def ahead(host: Host) -> float:
    """Return what the clock of a host is ahead of the time since its boot, in seconds."""
    clock, uptime = host.sh("echo $(date +%s.%N) $(cut -d ' ' -f 1 /proc/uptime)").split()
    return float(clock) - float(uptime)


NEAR = 5
"""Seconds by which a clock may be set late: the processor of a guest is an emulated one, on a machine that is busy."""


def is_back(host: Host, before: float) -> bool:
    return abs(ahead(host) - before) < NEAR


def test_skew_and_unskew(guests: Cloud, guest: NodeCollection, guest_1: Guest, evidence: Evidence) -> None:
    inside = guest_1.inside
    before = ahead(inside)
    assert guest.skew_clock(HOUR, heal_after=600).changed
    skewed = ahead(inside) - before
    assert abs(skewed - HOUR) < NEAR
    assert guest.skew_clock(-HOUR, heal_after=600).changed
    assert abs(ahead(inside) - before + HOUR) < NEAR

    # What is told is told by the right time, and another fault ends at its own.
    guests.get_service("memcached").freeze(guest, sec=45)
    frozen = time.monotonic()
    assert not guest_1.answers()
    faults = {fault.verb: fault for fault in guests.faults()}
    now = time.time() + drift(inside, before)
    assert abs(faults["skew_clock"].until - now - 600) < 120
    assert abs(faults["skew_clock"].since - now) < 120
    assert now - 60 < faults["freeze"].until < now + 46
    wait_for(guest_1.answers, "memcached goes on by itself", 90)
    assert time.monotonic() - frozen < 90

    unskewed = guest.unskew_clock()
    assert unskewed.changed
    assert is_back(inside, before)
    (host,) = unskewed.values()
    assert not any("not in force" in note for note in host.payload["notes"])
    assert guests.faults() == []
    evidence.seen("skew_clock", f"the clock is {skewed:+.1f} s off")
    evidence.undone("skew_clock", "by unskew_clock, by its time, and when its controller was killed")
    evidence.seen("unskew_clock", "the clock is as before")
    evidence.undone("unskew_clock", "no record is left")


@pytest.mark.case("f32")
def test_something_else_sets_it_right_meanwhile(guests: Cloud, guest: NodeCollection, guest_1: Guest) -> None:
    """As the tools of a hypervisor do."""
    inside = guest_1.inside
    before = ahead(inside)
    guest.skew_clock(HOUR, heal_after=600)
    inside.sh(f"read -r up _ </proc/uptime; date -s @$((${{up%.*}} + {before:.0f}))")
    (fault,) = guests.faults()
    assert fault.state == "not in force"
    unskewed = guest.unskew_clock()
    assert unskewed.changed
    (host,) = unskewed.values()
    assert any("it was not in force any more when it was undone" in note for note in host.payload["notes"])
    assert is_back(inside, before), "the undo sets it no second time"
    assert guests.faults() == []


def drift(host: Host, before: float) -> float:
    """Return by how much the clock of a guest was away from ours already: it stood still while it was saved."""
    uptime = float(host.sh("cut -d ' ' -f 1 /proc/uptime"))
    return before + uptime - time.time()


def test_it_ends_at_its_time_wherever_the_clock_stands(guest: NodeCollection, guest_1: Guest) -> None:
    before = ahead(guest_1.inside)
    guest.skew_clock(-HOUR, heal_after=30)
    assert abs(ahead(guest_1.inside) - before + HOUR) < NEAR
    wait_for(lambda: is_back(guest_1.inside, before), "the host sets its clock right", 60)


def test_the_controller_is_killed(guests_config: dict[str, Any], guest_1: Guest, tmp_path: Path) -> None:
    before = ahead(guest_1.inside)
    file = tmp_path / "os-faults.json"
    file.write_text(json.dumps(guests_config))
    child = Child(
        file, f"cloud.get_nodes(fqdns=[{guest_1.fqdn!r}]).skew_clock(86400, heal_after=30); say('done'); time.sleep(60)"
    )
    assert child.hear() == "done"
    child.process.kill()
    child.end()
    assert abs(ahead(guest_1.inside) - before - 86400) < NEAR
    wait_for(lambda: is_back(guest_1.inside, before), "the host sets its clock right", 60)


def test_the_clock_of_a_container_is_left_alone(cloud: Cloud, node_3: Host) -> None:
    nodes = cloud.get_nodes(fqdns=[node_3.fqdn])
    with node_3.undone():
        before = ahead(node_3)
        with pytest.raises(AnsibleExecutionException, match="is a container: its clock is that of the machine below"):
            nodes.skew_clock(HOUR)
        assert is_back(node_3, before)
        assert not nodes.unskew_clock().changed
