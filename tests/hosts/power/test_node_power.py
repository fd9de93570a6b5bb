"""Power of real virtual machines: each verb by each power driver, as the hypervisor and clients of the guest see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hostlab.evidence import Evidence
from hostlab.guest import BOOTED, CUT, RESTORED, SHUT_DOWN, Guest
from hostlab.lab import Lab
from hostlab.machines import config, managements
from hostlab.waiting import wait_for

from os_faults import AnsibleExecutionException, Cloud, NodeCollection, PowerManagementError, connect


@dataclass(frozen=True)
class By:
    """A cloud of the guests whose power one driver has."""

    driver: str
    cloud: Cloud

    def nodes(self, *guests: Guest) -> NodeCollection:
        return self.cloud.get_nodes(fqdns=[guest.fqdn for guest in guests])


@pytest.fixture(scope="module")
def clouds(lab: Lab, artifacts: Path) -> Iterator[Callable[[str], By]]:
    """Makes the cloud of a driver when it is first asked for."""
    made: dict[str, By] = {}

    def cloud(driver: str) -> By:
        if driver not in made:
            made[driver] = By(driver, connect(config(lab, artifacts, managements(lab)[driver])))
        return made[driver]

    yield cloud
    for by in made.values():
        by.cloud.close()


@pytest.fixture(params=["libvirt", "ipmi", "redfish"])
def by(request: pytest.FixtureRequest, clouds: Callable[[str], By], guest_1: Guest, guest_2: Guest) -> By:
    return clouds(request.param)


@pytest.fixture
def by_libvirt(clouds: Callable[[str], By], guest_1: Guest, guest_2: Guest) -> By:
    return clouds("libvirt")


def assert_untouched(guest: Guest, note: str, state: str = RESTORED) -> None:
    """The guest runs on as it was, with all that was in its memory."""
    assert guest.state() == state
    assert guest.noted() == note


def test_poweroff_and_poweron(by: By, guest_1: Guest, guest_2: Guest, evidence: Evidence) -> None:
    one, both = by.nodes(guest_1), by.nodes(guest_1, guest_2)
    guest_2.note("here")
    assert one.poweroff().changed
    assert guest_1.state() == CUT
    assert not guest_1.answers()
    assert both.power_state() == {guest_1.fqdn: "off", guest_2.fqdn: "on"}
    assert_untouched(guest_2, "here")
    evidence.seen(f"poweroff by {by.driver}", f"the domain is {CUT}, its memcached is silent")

    assert one.poweron().changed
    assert guest_1.state() == BOOTED
    evidence.undone(f"poweroff by {by.driver}", f"by poweron; the domain is {BOOTED}")
    evidence.seen(f"poweron by {by.driver}", f"the domain is {BOOTED}")
    evidence.undone(f"poweron by {by.driver}", "by poweroff, from which it came")


def test_reset_is_waited_for(by: By, guest_1: Guest, guest_2: Guest, evidence: Evidence) -> None:
    guest_1.note("here")
    guest_2.note("here")
    boot = guest_1.inside.boot_id()
    result = by.nodes(guest_1).reset(wait=True)
    assert guest_1.inside.boot_id() == result[guest_1.fqdn].payload["boot_id_after"] != boot
    assert guest_1.state().startswith("running")
    wait_for(guest_1.answers, "its service is back", 10)
    assert guest_1.noted() == ""
    assert_untouched(guest_2, "here")
    waited = result[guest_1.fqdn].payload["waited"]
    evidence.seen(f"reset by {by.driver}", f"new boot id after {waited:.0f} s, what was in its memory is gone")
    evidence.undone(f"reset by {by.driver}", "it runs, its memcached answers")


@pytest.mark.case("I07")
def test_shutdown(by: By, guest_1: Guest, guest_2: Guest, evidence: Evidence) -> None:
    guest_2.note("here")
    one = by.nodes(guest_1)
    assert one.shutdown(wait_timeout=60).changed
    assert guest_1.state() == SHUT_DOWN
    assert_untouched(guest_2, "here")
    evidence.seen(f"shutdown by {by.driver}", f"the domain is {SHUT_DOWN}")
    one.poweron()
    assert guest_1.state() == BOOTED
    evidence.undone(f"shutdown by {by.driver}", f"by poweron; the domain is {BOOTED}")


def test_a_guest_that_ignores_its_power_button(by_libvirt: By, guest_1: Guest) -> None:
    guest_1.inside.sh("pkill -f 'busybox acpid'")
    guest_1.note("here")
    with pytest.raises(AnsibleExecutionException, match=rf"{guest_1.fqdn} failed: .* may ignore the power button"):
        by_libvirt.nodes(guest_1).shutdown(wait_timeout=3)
    assert_untouched(guest_1, "here")


@pytest.mark.case("F09", "F11")
def test_snapshot_and_revert(by_libvirt: By, guest_1: Guest, guest_2: Guest, evidence: Evidence) -> None:
    one, both = by_libvirt.nodes(guest_1), by_libvirt.nodes(guest_1, guest_2)
    for guest in (guest_1, guest_2):
        guest.note("then")
    both.snapshot("then")
    for guest in (guest_1, guest_2):
        assert guest.snapshots() == ["ready", "then"]
        assert_untouched(guest, "then", "running (unpaused)")
        guest.note("now")
    evidence.seen("snapshot by libvirt", "the domain has the snapshot, and goes on")
    evidence.undone("snapshot by libvirt", "what was in its memory is still there")

    one.revert("then")
    assert_untouched(guest_1, "then")
    assert_untouched(guest_2, "now", "running (unpaused)")
    evidence.seen("revert by libvirt", "what is in its memory is what was there then")

    one.poweroff()
    one.revert("then", resume=False)
    assert guest_1.state().startswith("paused")
    assert not guest_1.answers()
    one.revert("ready")
    assert_untouched(guest_1, "")
    evidence.undone("revert by libvirt", "by revert to another")


def test_a_snapshot_while_the_guest_runs(by_libvirt: By, guest_1: Guest) -> None:
    guest_1.note("here")
    by_libvirt.nodes(guest_1).snapshot("running", suspend=False)
    assert guest_1.snapshots() == ["ready", "running"]
    assert_untouched(guest_1, "here", guest_1.state())


def test_snapshots_that_cannot_be(clouds: Callable[[str], By], by_libvirt: By, guest_1: Guest, guest_2: Guest) -> None:
    one = by_libvirt.nodes(guest_1)
    guest_1.note("here")
    with pytest.raises(AnsibleExecutionException, match=rf"{guest_1.fqdn} failed: .* has a snapshot 'ready' already"):
        one.snapshot("ready")
    with pytest.raises(AnsibleExecutionException, match=rf"{guest_1.fqdn} failed: .* has no snapshot 'nope'"):
        one.revert("nope")
    for driver in ("ipmi", "redfish"):
        with pytest.raises(PowerManagementError, match=rf"{guest_1.fqdn} \({driver}\) can't do revert; nothing"):
            clouds(driver).nodes(guest_1).revert("ready")
    assert_untouched(guest_1, "here")
    one.poweroff()
    with pytest.raises(AnsibleExecutionException, match=rf"{guest_1.fqdn} failed: .* is off, so there is no memory"):
        one.snapshot("off")
    assert guest_1.snapshots() == ["ready"]
    one.poweron()
