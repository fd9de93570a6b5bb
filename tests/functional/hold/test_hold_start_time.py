"""Faults with a start time, on this machine."""

from __future__ import annotations

import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.held_service import Service, until
from support.start_times import soon

from os_faults import resources

pytestmark = [pytest.mark.functional, pytest.mark.usefixtures("runtime_directory")]


def stopped_at(service: Service, seconds: float) -> float:
    """Return when the service was seen to be stopped, seconds since the epoch."""
    until(lambda: service.states == "TT", seconds)
    return time.time()


def test_a_fault_begins_with_start_time_and_not_before(freeze, service):
    start = time.time() + soon(8)
    with ThreadPoolExecutor() as threads:
        seen = threads.submit(stopped_at, service, 60)
        done = freeze(seconds=30, at=start)
    assert done.failures == {}
    answer = done.result
    assert start <= seen.result() < start + answer["late"] + answer["took"] + 1  # it looks at every process here
    assert (answer["state"], answer["changed"], answer["at"]) == ("injected", True, pytest.approx(start))
    assert 0 <= answer["late"] < 1
    assert answer["took"] >= 0
    assert abs(answer["clock_ahead"]) <= answer["clock_within"] + 0.05
    assert not answer["moved"]
    assert answer["until"] == pytest.approx(start + 30, abs=0.1)
    assert service.directory
    assert freeze("unfreeze").result["changed"]
    assert (service.states, service.directory) == ("SS", None)


@pytest.mark.each_line
def test_a_delay_is_one_start_time_for_all(freeze, service):
    begin, delay = time.time(), soon(8)
    answer = freeze(seconds=30, at=delay).result
    assert begin + delay < answer["at"] < begin + delay + 22
    assert answer["state"] == "injected"
    assert service.states == "TT"


def test_an_armed_fault_is_listed_and_can_be_undone(freeze, listed, service):
    with ThreadPoolExecutor() as threads:
        running = threads.submit(freeze, seconds=30, at=20)
        armed = until(listed, 20)
        assert (armed["state"], armed["guarded"]) == ("armed", True)
        assert armed["since"] > time.time()
        again = freeze(seconds=30)
        assert "is armed on this host and begins at" in again.failures["here"]
        assert freeze("unfreeze").result["changed"]
        assert service.directory is None
        done = running.result()
    assert done.rc != 0
    assert service.states == "SS"


def test_a_start_time_that_has_passed_hurts_nobody(freeze, service):
    done = freeze(seconds=30, at=time.time() - 2)
    assert "the start time had passed by" in done.failures["here"]
    assert "so nothing was done" in done.failures["here"]
    assert (service.states, service.directory) == ("SS", None)


@pytest.mark.each_line
def test_one_host_that_is_not_armed_keeps_all_from_beginning(freeze, service):
    """Two names for this machine: the second to be armed finds the first one's fault."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    done = freeze(seconds=30, at=soon(15), hosts={"one": local, "two": local})
    assert set(done.failures) == {"one", "two"}
    (refused,) = (
        host for host, why in done.failures.items() if "can't begin at a start time" in why or "is armed" in why
    )
    (other,) = set(done.failures) - {refused}
    assert done.failures[other] == (
        "taken back here, as a fault with a start time begins on every node or on none: it could not be armed on "
        + refused
    )
    assert (service.states, service.directory) == ("SS", None)


def test_who_is_not_told_that_all_are_armed_begins_nothing(freeze, service, monkeypatch, tmp_path):
    """The controller dies between arming and telling."""
    playbooks = tmp_path / "playbooks"
    shutil.copytree(resources.playbooks_dir(), playbooks)
    (playbooks / "tasks" / "hold" / "release.yml").write_text("---\n- ansible.builtin.meta: end_play\n")
    monkeypatch.setattr(resources, "playbooks_dir", lambda: playbooks)
    start = time.time() + 10
    assert freeze(seconds=30, at=start).result["state"] == "armed"
    until(lambda: service.directory is None, 30)
    assert time.time() >= start
    assert service.states == "SS"


def test_a_fault_that_fails_with_start_time_is_taken_back_and_told(freeze, service):
    with ThreadPoolExecutor() as threads:
        running = threads.submit(freeze, seconds=30, at=soon(15))
        until(lambda: service.directory and (service.directory / "moment").exists(), 20)
        (service.directory / "freeze.sh").write_text("echo 'it will not freeze' >&2; exit 1\n")
        done = running.result()
    assert done.failures["here"] == "it will not freeze"
    assert (service.states, service.directory) == ("SS", None)


def test_a_verb_without_start_time_says_so(play, service):
    done = play("service_state.yml", inventory=service.inventory, service=service.name, service_action="kill", at=3)
    assert "kill takes no at" in done.failures["here"]
    assert service.states == "SS"


@pytest.mark.parametrize("wrong", ["soon", "-3"])
def test_a_wrong_start_time_is_refused(freeze, service, wrong):
    assert (
        f"value of at must be a delay (5, 5s, 2min) or a number of seconds since the epoch, got: {wrong}"
        in (freeze(at=wrong).failures["here"])
    )
    assert service.states == "SS"
