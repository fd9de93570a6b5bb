"""heal.yml takes back a hold whose carrier has died, and one whose undo has failed."""

from __future__ import annotations

import os
import signal

import pytest
from support.held_service import without_systemd

pytestmark = [pytest.mark.functional, pytest.mark.usefixtures("runtime_directory")]


@without_systemd
def test_a_hold_whose_watchdog_was_killed_is_listed_and_healed(freeze, listed, play, service):
    freeze(seconds=60)
    os.kill(int((service.directory / "watchdog.pid").read_text()), signal.SIGKILL)
    assert not listed()["guarded"]
    assert service.states == "TT"

    assert play("heal.yml", fault_ids=[service.hold]).result["undone"] == [service.hold]
    assert "T" not in service.states
    assert not play("heal.yml", fault_ids=[service.hold]).result["changed"]


def test_a_failed_undo_is_told_stays_listed_and_can_be_repeated(freeze, listed, play, service):
    freeze(seconds=60)
    script = service.directory / "unfreeze.sh"
    right = script.read_text()
    script.write_text("echo the disk is on fire; exit 7\n")

    failed = freeze("unfreeze")
    assert failed.result["undo_failed"]
    assert f"could not take back {service.hold}: the disk is on fire" in failed.failures["here"]
    assert listed()["state"] == "undo_failed"
    healed = play("heal.yml", fault_ids=[service.hold])
    assert healed.result["undo_failed"]
    assert healed.result["failed_holds"][0]["id"] == service.hold
    assert "the disk is on fire" in healed.result["failed_holds"][0]["why"]

    script.write_text(right)
    assert play("heal.yml", fault_ids=[service.hold]).result["undone"] == [service.hold]
    assert "T" not in service.states
