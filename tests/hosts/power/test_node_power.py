"""Power of real virtual machines: each verb by each power driver, as the hypervisor and clients of the guest see it."""

from __future__ import annotations

import pytest
from hostlab.evidence import Evidence
from hostlab.guest import BOOTED, CUT, SHUT_DOWN, Guest, assert_untouched
from hostlab.machines import By
from hostlab.waiting import wait_for

from os_faults import AnsibleExecutionException


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
