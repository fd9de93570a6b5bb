"""The power state of real virtual machines, by each power driver."""

from __future__ import annotations

from hostlab.guest import Guest, assert_untouched
from hostlab.machines import By


def test_the_state_is_told_and_the_machine_runs_on(by: By, guest_1: Guest, guest_2: Guest) -> None:
    guest_1.note("here")
    assert by.nodes(guest_1, guest_2).power_state() == {guest_1.fqdn: "on", guest_2.fqdn: "on"}
    assert_untouched(guest_1, "here")
