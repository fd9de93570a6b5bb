"""Snapshots of real virtual machines: their memory is what it was then."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hostlab.evidence import Evidence
from hostlab.guest import Guest, assert_untouched
from hostlab.machines import By

from os_faults import AnsibleExecutionException, PowerManagementError


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
