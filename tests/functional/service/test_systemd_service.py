"""osf_systemd_service: what it makes of the answers of systemd."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.os_faults.service import unit_state

pytestmark = pytest.mark.functional


def fact(**more: str) -> dict[str, str]:
    base = {"ActiveState": "active", "SubState": "running", "Result": "success", "Type": "simple", "Restart": "no"}
    return {**base, "RestartUSec": "100ms", **more}


def test_the_state_of_several_units_is_that_of_the_least_active():
    assert unit_state.state_of({"a": fact(), "b": fact(ActiveState="activating")}) == "activating"
    assert unit_state.state_of({"a": fact(), "b": fact(ActiveState="failed")}) == "failed"


@pytest.mark.parametrize(
    ("restart", "told"),
    [
        ("always", "systemd restarts x.service (Restart=always, RestartUSec=100ms)"),
        ("on-failure", "systemd restarts x.service (Restart=on-failure, RestartUSec=100ms)"),
        ("no", "x.service stays down (Restart=no)"),
        ("on-success", "x.service stays down (Restart=on-success)"),
    ],
)
def test_what_systemd_does_about_a_kill_is_told(restart, told):
    assert unit_state.restart_note("x.service", fact(Restart=restart)) == told


def test_a_one_shot_that_did_its_work_has_started():
    assert unit_state.is_started(fact(Type="oneshot", ActiveState="inactive"))
    assert not unit_state.is_started(fact(ActiveState="inactive"))
    assert not unit_state.is_started(fact(Type="oneshot", ActiveState="failed", Result="exit-code"))


def test_the_last_words_are_those_of_the_service_rather_than_of_systemd():
    journal = (
        '{"MESSAGE": "Starting x.service...", "_PID": "1"}\n'
        '{"MESSAGE": "cannot open the database", "_PID": "42"}\n'
        '{"MESSAGE": "x.service: Failed with result exit-code.", "_PID": "1"}\n'
    )
    assert unit_state.last_words(journal) == ["cannot open the database"]
    assert unit_state.last_words(journal.splitlines()[0]) == ["Starting x.service..."]


@pytest.mark.case("D26")
def test_a_service_without_a_unit_here_is_a_failure_in_a_sentence(play):
    missing = {"os_faults_services": {"ghost": {"driver": "systemd", "units": ["os-faults-ghost"]}}}
    failed = play("service_state.yml", inventory=missing, service="ghost", service_action="restart")
    if Path("/run/systemd/system").is_dir():
        sentence = "no unit of service 'ghost' on this host (looked for: os-faults-ghost.service)"
    else:
        sentence = "service 'ghost' is a systemd unit, but this host is not run by systemd"
    assert failed.failures == {"here": sentence}
