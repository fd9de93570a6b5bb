"""Lasting faults on real processes of this machine: what they do, when they end, and that nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from support.held_service import until, without_systemd

pytestmark = [pytest.mark.functional, pytest.mark.usefixtures("runtime_directory")]


def test_nothing_is_left_when_the_last_hold_has_ended(freeze, runtime_directory):
    freeze(seconds=60)
    freeze("unfreeze")
    assert list(runtime_directory.iterdir()) == []


def test_check_mode_tells_and_touches_nothing(freeze, play, service):
    assert freeze(seconds=60, check=True).result["changed"]
    assert "T" not in service.states
    assert service.directory is None

    freeze(seconds=60)
    assert freeze(seconds=90, check=True).result["extended"]
    assert freeze("unfreeze", check=True).result["changed"]
    assert service.hold in play("heal.yml", check=True).result["undone"]
    assert play("faults.yml", check=True).result["holds"]
    assert service.states == "TT"


def test_a_hold_ends_by_itself(freeze, service):
    freeze(seconds=3)
    until(lambda: "T" not in service.states, 15)
    until(lambda: service.directory is None)


def test_making_it_again_injects_again_and_the_later_end_wins(freeze, service):
    first = freeze(seconds=600).result
    second = freeze(seconds=30).result
    assert not second["changed"]
    assert second["until"] == first["until"]

    os.kill(service.child, signal.SIGCONT)
    third = freeze(seconds=30).result
    assert third["changed"]
    assert not third["extended"]
    assert service.states == "TT"

    fourth = freeze(seconds=660).result
    assert fourth["changed"]
    assert fourth["extended"]
    assert fourth["until"] > first["until"] + 50
    assert freeze(seconds=30).result["until"] == fourth["until"]


@without_systemd
def test_term_to_the_watchdog_is_the_undo(freeze, service):
    freeze(seconds=60)
    os.kill(int((service.directory / "watchdog.pid").read_text()), signal.SIGTERM)
    until(lambda: "T" not in service.states)
    until(lambda: service.directory is None)


def test_the_undo_script_alone_heals_too(freeze, service):
    freeze(seconds=60)
    watchdog = service.directory / "watchdog.pid"
    carrier = Path("/proc", watchdog.read_text().strip(), "cmdline") if watchdog.exists() else None
    subprocess.run(["sh", str(service.directory / "undo.sh")], check=True)
    assert "T" not in service.states
    assert service.directory is None
    until(lambda: carrier is None or not carrier.exists() or not carrier.read_text())


@without_systemd
def test_a_directory_that_others_can_write_to_is_refused(freeze, runtime_directory, service):
    (runtime_directory / "os-faults").mkdir()
    (runtime_directory / "os-faults").chmod(0o777)
    message = f"{runtime_directory}/os-faults is not a directory that belongs to this user alone, so no fault is made"
    assert freeze().failures == {"here": message}
    assert "T" not in service.states


@pytest.mark.parametrize(
    ("playbook", "arguments", "message"),
    [
        ("node_stress.yml", {"node_action": "stress", "target": "gpu"}, "value of target must be one of:"),
        ("node_stress.yml", {"node_action": "stress"}, "missing required arguments: target"),
        ("node_oom.yml", {"node_action": "oom", "duration": "long"}, "value of duration must be a duration"),
        ("node_network.yml", {"node_action": "cut", "network_name": "x"}, "value of node_action must be one of:"),
        ("service_port.yml", {"service_action": "unplug"}, "missing required arguments: service"),
        ("service_freeze.yml", {"service": "x", "service_action": "melt"}, "value of service_action must be one of:"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_done(play, playbook, arguments, message):
    refused = play(playbook, **arguments)
    assert refused.rc != 0
    assert message in refused.failures["here"]
