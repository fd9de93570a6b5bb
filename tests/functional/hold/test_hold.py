"""Lasting faults on real processes of this machine: what they do, when they end, and that nothing is left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support.held_service import WITH_SYSTEMD, directory_of, until

pytestmark = [pytest.mark.functional, pytest.mark.usefixtures("runtime_directory")]


# ---- freeze: what every hold promises --------------------------------------------------------------------------------


def test_freeze_stops_all_processes_until_unfreeze(freeze, listed, service):
    before = time.time()
    done = freeze(seconds=60)
    assert done.failures == {}
    assert done.result["changed"]
    assert (done.result["id"], done.result["state"]) == (service.hold, "injected")
    assert before < done.result["since"] < time.time()
    assert done.result["until"] == pytest.approx(done.result["since"] + 60)
    assert not done.result["cuts_path"]
    assert service.states == "TT"

    entry = listed()
    assert (entry["fault"], entry["subject"], entry["state"]) == ("freeze", service.name, "injected")
    assert entry["guarded"]
    directory = service.directory
    assert entry["directory"] == str(directory)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert json.loads((directory / "record.json").read_text())["format"] == 1
    assert (directory / "record.json").stat().st_mode & 0o777 == 0o600
    assert "undo.sh" in (directory.parent / "README").read_text()

    again = freeze("unfreeze")
    assert again.result["changed"]
    assert again.result["state"] == "absent"
    assert "T" not in service.states
    assert not directory.exists()

    nothing = freeze("unfreeze")
    assert not nothing.result["changed"]
    assert listed() is None


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


def test_a_frozen_service_that_is_about_to_go_on_stays_frozen(freeze, service):
    first = freeze(seconds=10)
    time.sleep(max(0, first.result["until"] - time.time() - 3))
    freeze(seconds=60)
    time.sleep(max(0, first.result["until"] - time.time() + 3))
    assert service.states == "TT"


@pytest.mark.skipif(WITH_SYSTEMD, reason="here a unit carries the hold; tests/hosts ends units")
def test_term_to_the_watchdog_is_the_undo(freeze, service):
    freeze(seconds=60)
    os.kill(int((service.directory / "watchdog.pid").read_text()), signal.SIGTERM)
    until(lambda: "T" not in service.states)
    until(lambda: service.directory is None)


@pytest.mark.skipif(WITH_SYSTEMD, reason="here a unit carries the hold; tests/hosts ends units")
def test_a_hold_whose_watchdog_was_killed_is_listed_and_healed(freeze, listed, play, service):
    freeze(seconds=60)
    os.kill(int((service.directory / "watchdog.pid").read_text()), signal.SIGKILL)
    assert not listed()["guarded"]
    assert service.states == "TT"

    assert play("heal.yml", fault_ids=[service.hold]).result["undone"] == [service.hold]
    assert "T" not in service.states
    assert not play("heal.yml", fault_ids=[service.hold]).result["changed"]


def test_never_must_be_spelled_out(freeze, listed):
    assert freeze(heal_after="never").result["until"] is None
    assert listed()["until"] is None
    message = "the end of a fault must be a number of seconds from 1 to 31536000 (a year) or the word never, got: {}"
    assert freeze(heal_after="0").failures == {"here": message.format("0")}
    assert freeze(heal_after="soon").failures == {"here": message.format("soon")}


def test_a_service_that_does_not_run_is_refused(freeze, service):
    service.pidfile.write_text("4194305\n")
    assert freeze().failures == {"here": f"{service.name} is not running on this host, so there is nothing to freeze"}
    assert service.directory is None


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


def test_the_undo_script_alone_heals_too(freeze, service):
    freeze(seconds=60)
    watchdog = service.directory / "watchdog.pid"
    carrier = Path("/proc", watchdog.read_text().strip(), "cmdline") if watchdog.exists() else None
    subprocess.run(["sh", str(service.directory / "undo.sh")], check=True)
    assert "T" not in service.states
    assert service.directory is None
    until(lambda: carrier is None or not carrier.exists() or not carrier.read_text())


@pytest.mark.skipif(WITH_SYSTEMD, reason="there /run/os-faults is used")
def test_a_directory_that_others_can_write_to_is_refused(freeze, runtime_directory, service):
    (runtime_directory / "os-faults").mkdir()
    (runtime_directory / "os-faults").chmod(0o777)
    message = f"{runtime_directory}/os-faults is not a directory that belongs to this user alone, so no fault is made"
    assert freeze().failures == {"here": message}
    assert "T" not in service.states


def test_a_hold_of_an_earlier_boot_is_not_listed(freeze, listed, service):
    freeze(seconds=60)
    record = service.directory / "record.json"
    record.write_text(json.dumps(dict(json.loads(record.read_text()), boot_id="another")))
    assert listed() is None


# ---- the other verbs, as far as they go without root -----------------------------------------------------------------


@pytest.mark.skipif(WITH_SYSTEMD, reason="here it would cut; tests/hosts does")
def test_a_network_is_not_cut_where_nothing_could_undo_it(play, service):
    arguments = {"inventory": service.inventory, "service": service.name}
    why = "cuts a network and needs systemd and root on the host to carry its undo"
    unplug = play("service_port.yml", service_action="unplug", **arguments)
    assert unplug.failures == {"here": f"unplug {service.name} {why}"}
    disable = play("node_network.yml", node_action="disable_network", network_name="lo")
    assert disable.failures == {"here": f"disable_network lo {why}"}
    assert directory_of(f"unplug-{service.name}") is None
    assert not play("service_port.yml", service_action="plug", **arguments).result["changed"]


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


@pytest.mark.skipif(WITH_SYSTEMD, reason="here it would run out of memory; tests/hosts does")
def test_oom_needs_a_host_that_protects_its_sshd(play):
    refused = play("node_oom.yml", node_action="oom", duration=5)
    assert refused.failures == {"here": "running a host out of memory needs systemd and root on it"}
    assert play("node_oom.yml", node_action="oom", check=True).result["changed"]
    assert not play("node_oom.yml", node_action="end_oom").result["changed"]


def test_stress_runs_until_it_is_ended_or_says_what_is_missing(play):
    done = play("node_stress.yml", node_action="stress", target="cpu", duration=60)
    if shutil.which("stress-ng", path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
        assert done.failures == {"here": "stress-ng is not installed on this host"}
        return
    assert done.result["state"] == "injected"
    assert play("node_stress.yml", node_action="end_stress", target="cpu").result["changed"]
    assert directory_of("stress-cpu") is None


@pytest.mark.parametrize(
    ("playbook", "arguments", "message"),
    [
        ("node_stress.yml", {"node_action": "stress", "target": "gpu"}, "value of target must be one of:"),
        ("node_stress.yml", {"node_action": "stress"}, "missing required arguments: target"),
        ("node_oom.yml", {"node_action": "oom", "duration": "long"}, "'duration' is of type"),
        ("node_network.yml", {"node_action": "cut", "network_name": "x"}, "value of node_action must be one of:"),
        ("service_port.yml", {"service_action": "unplug"}, "missing required arguments: service"),
        ("service_freeze.yml", {"service": "x", "service_action": "melt"}, "value of service_action must be one of:"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_done(play, playbook, arguments, message):
    refused = play(playbook, **arguments)
    assert refused.rc != 0
    assert message in refused.failures["here"]
