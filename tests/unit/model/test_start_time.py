"""The start time of a fault: its forms, and its value in an action."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from support.cloud_fixture import CONFIG, hosts

from os_faults import ArgumentError, Cloud, actions
from os_faults.config import load
from os_faults.model import Node
from os_faults.model.start_time import seconds_of
from os_faults.testing import FakeRunner

NOW = 1_795_000_000.0
NODES = [Node("node-1.domain.tld", "10.0.0.1")]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (3, 3.0),
        ("3", 3.0),
        ("0.5", 0.5),
        ("3s", 3.0),
        ("in 3 seconds", 3.0),
        ("2 min", 120.0),
        ("in 1 min 30 s", 90.0),
        ("1h", 3600.0),
        (timedelta(minutes=1), 60.0),
        (NOW, NOW),
        (str(NOW), NOW),
        (datetime.fromtimestamp(NOW, UTC), NOW),
        (datetime.fromtimestamp(NOW, timezone(timedelta(hours=5))), NOW),
        (datetime.fromtimestamp(NOW, UTC).isoformat(), NOW),
        (datetime.fromtimestamp(NOW).isoformat(), NOW),
    ],
)
def test_what_may_be_written(written: Any, meant: float) -> None:
    assert seconds_of(written) == meant


def test_a_time_of_day_is_the_next_such_time() -> None:
    now = datetime.now().astimezone().replace(microsecond=0)
    for there in (now + timedelta(minutes=5), now - timedelta(minutes=5)):
        start = seconds_of(f"{there:%H:%M:%S}")
        assert datetime.fromtimestamp(start).time() == there.time()
        assert 0 < start - time.time() <= 90000  # a day may have 25 hours


@pytest.mark.parametrize(
    "wrong",
    [
        "soon",
        "",
        "3 in s",
        "1 min in 3s",
        "-3",
        "0",
        0,
        "3 parsecs",
        "25:00",
        "nan",
        NOW * 1000,
        "30h",
        timedelta(days=2),
        datetime(2026, 1, 1),
    ],
)
def test_a_wrong_start_time_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"a start time|a day ahead|time zone"):
        seconds_of(wrong)


def freeze(**options: Any) -> Any:
    return actions.for_verb("service", "freeze", NODES, subject="web service", service="web", seconds=10, **options)


def test_a_delay_counts_from_when_it_is_done() -> None:
    action = freeze(at="3s")
    fixed = actions.with_start_time(action, NOW)
    assert fixed.arguments["at"] == NOW + 3
    assert fixed.timeout == action.timeout + 3
    assert actions.with_start_time(fixed, NOW + 1).arguments["at"] == NOW + 3
    assert actions.with_start_time(freeze(), NOW) == freeze()


def test_a_start_time_that_has_passed_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"freeze web service: its start time \(at\) passed 5.0 s ago, so"):
        actions.with_start_time(freeze(at=NOW), NOW + 5)


def test_the_end_counts_from_the_start_time() -> None:
    assert actions.ends_after(freeze(at=60)) == pytest.approx(70)
    assert actions.ends_after(freeze(at=time.time() + 60)) == pytest.approx(70, abs=1)
    assert actions.ends_after(freeze()) == 10


def test_the_undo_has_no_start_time() -> None:
    assert "at" not in actions.undoing(freeze(at=3)).arguments


@pytest.mark.parametrize("verb", ["kill", "restart", "terminate", "start"])
def test_a_verb_without_a_hold_takes_no_start_time(verb: str) -> None:
    with pytest.raises(ArgumentError, match=f"{verb} takes no at: only a fault that the nodes hold"):
        actions.for_verb("service", verb, NODES, service="web", at=3)


def test_a_wrong_start_time_is_an_argument_error() -> None:
    with pytest.raises(ArgumentError, match="value of at must be a start time: seconds from now"):
        freeze(at="soon")


def test_every_node_gets_the_same_start_time() -> None:
    runner = FakeRunner(hosts())
    with Cloud(load(CONFIG), runner=runner) as cloud:
        begin = time.time()
        result = cloud.get_service("memcached").freeze(sec=10, at="3s")
    assert len(result) == 3
    assert begin + 3 <= result.action.arguments["at"] <= time.time() + 3


def test_a_run_that_is_only_shown_keeps_the_delay() -> None:
    with Cloud(load(CONFIG), runner=FakeRunner(hosts())) as cloud:
        preview = cloud.preview(cloud.get_service("memcached").action("freeze", seconds=10, at="3s"))
    assert preview.action.arguments["at"] == 3.0
    assert preview.seconds == 10


def test_nothing_else_is_done_together_with_it() -> None:
    with Cloud(load(CONFIG), runner=FakeRunner(hosts())) as cloud:
        memcached = cloud.get_service("memcached")
        wanted = [memcached.action("restart"), memcached.action("freeze", seconds=10, at="3s")]
        with pytest.raises(ArgumentError, match=r"freeze memcached service: has a start time \(at\), so nothing"):
            cloud.perform_all(wanted)
