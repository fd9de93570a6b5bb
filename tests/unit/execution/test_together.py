"""Several actions at once: which share a run, what becomes of each, and that all or nothing is begun."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.cloud_fixture import CONFIG, Machines
from support.session_fixture import Session

from os_faults import Cloud, GuardRailError, OSFError, PartlyDone, connect
from os_faults.actions import for_verb
from os_faults.actions.batch import combined, in_runs, merged
from os_faults.ansible.events import with_events
from os_faults.model import Action, HostResult, Node, Result, Status
from os_faults.testing import FakeRunner

pytestmark = pytest.mark.usefixtures("state_home")

ONE, TWO = Node("node-1", "10.0.0.1"), Node("node-2", "10.0.0.2")
RESTART = for_verb("service", "restart", [ONE, TWO], subject="keystone service", service="keystone")
KILL = for_verb("service", "kill", [TWO], subject="mysql service", service="mysql")
REBOOT = for_verb("node", "reboot", [TWO])


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def cloud(runner: FakeRunner) -> Iterator[Cloud]:
    with connect(CONFIG, runner=runner) as cloud:
        cloud.get_nodes()
        runner.performed.clear()
        yield cloud


def test_a_run_ends_before_what_cuts_nodes_off() -> None:
    assert in_runs([RESTART, KILL, REBOOT, REBOOT, KILL]) == [(RESTART, KILL), (REBOOT,), (REBOOT,), (KILL,)]


def test_what_several_are_together() -> None:
    both = merged([KILL, RESTART])
    assert str(both) == "do together: kill mysql service, restart keystone service"
    assert both.nodes == (TWO, ONE)
    assert both.timeout == KILL.timeout + RESTART.timeout
    assert both.breaks


def test_a_block_is_one_run_and_tells_what_became_of_each(cloud: Cloud, runner: FakeRunner) -> None:
    with cloud.together() as several:
        waiting = cloud.get_service("keystone").restart()
        cloud.get_service("memcached").kill()
        assert runner.performed == []
        with pytest.raises(OSFError, match="restart keystone service: was not done yet"):
            waiting.changed  # noqa: B018 - it is the look that is refused
        with pytest.raises(OSFError, match="nothing was done yet"):
            several.results  # noqa: B018
    (run,) = runner.performed
    assert [str(part) for part in run.parts] == ["restart keystone service", "kill memcached service"]
    assert [(str(result.action), result.changed) for result in several.results] == [
        ("restart keystone service", True),
        ("kill memcached service", True),
    ]


def test_a_block_that_fails_does_nothing(cloud: Cloud, runner: FakeRunner) -> None:
    with pytest.raises(ZeroDivisionError), cloud.together():  # noqa: PT012 - it is the block that is tested
        cloud.get_service("keystone").restart()
        raise ZeroDivisionError
    assert runner.performed == []
    cloud.get_service("keystone").restart()
    assert len(runner.performed) == 1


def test_a_fault_for_a_block_of_its_own_can_not_be_given_together(cloud: Cloud, runner: FakeRunner) -> None:
    with (
        pytest.raises(OSFError, match="was not done yet"),
        cloud.together(),
        cloud.get_service("keystone").injected("freeze", seconds=5),
    ):
        pytest.fail("the block of the fault began")
    assert runner.performed == []


def test_blocks_do_not_nest(cloud: Cloud) -> None:
    with pytest.raises(OSFError, match="can't be within another"), cloud.together(), cloud.together():
        pytest.fail("it began")


def test_each_may_be_within_the_limit_and_all_together_beyond(runner: FakeRunner) -> None:
    with connect({**CONFIG, "limit": 1}, runner=runner) as cloud:
        one, two, *_ = (node.fqdn for node in cloud.get_nodes())
        runner.performed.clear()
        service = cloud.get_service("memcached")
        kills = [service.action("kill", cloud.get_nodes(fqdns=[node])) for node in (one, two)]
        with pytest.raises(GuardRailError, match="asks for 2 nodes"):
            cloud.perform_all(kills)
        assert runner.performed == []


def test_of_a_node_the_failure_speaks() -> None:
    def result(action: Action, status: Status) -> Result:
        return Result(action, {node.fqdn: HostResult(node.fqdn, status) for node in action.nodes})

    hosts = combined([result(RESTART, Status.FAILED), result(KILL, Status.OK)])
    assert {name: host.status for name, host in hosts.items()} == {"node-1": Status.FAILED, "node-2": Status.FAILED}


def event(kind: str, host: str, **answer: object) -> dict[str, object]:
    res = {"changed": False, **answer}
    return {"event": f"runner_on_{kind}", "event_data": {"host": host, "task_action": "osf_x", "res": res}}


PLAY: dict[str, object] = {"event": "playbook_on_play_start"}
RUN = Result(merged([RESTART, KILL]), {})


def test_each_part_is_told_by_its_own_play() -> None:
    heard = [
        PLAY,
        event("ok", "node-1", changed=True),
        event("ok", "node-2"),
        PLAY,
        event("ok", "node-2", changed=True),
    ]
    first, second = with_events(RUN, heard).parts
    assert {name: host.changed for name, host in first.items()} == {"node-1": True, "node-2": False}
    assert {name: host.changed for name, host in second.items()} == {"node-2": True}


def test_who_failed_is_left_out_of_what_follows_and_says_so() -> None:
    heard = [PLAY, event("ok", "node-1"), event("failed", "node-2", msg="no space"), PLAY]
    result = with_events(RUN, heard)
    first, second = result.parts
    with pytest.raises(PartlyDone, match="restart keystone service: node-2 failed: no space"):
        first.raise_for_status()
    assert second["node-2"].message == "left out, as it failed at restart keystone service"
    assert second["node-2"].answered, "it is known that it did nothing"
    assert result["node-2"].message == "no space"


def test_what_was_not_begun_says_so() -> None:
    run = Result(merged([KILL, RESTART]), {})
    heard = [PLAY, event("failed", "node-2", msg="no space")]
    _, second = with_events(run, heard).parts
    assert {name: host.message for name, host in second.items()} == {
        "node-1": "not begun, as kill mysql service failed",
        "node-2": "left out, as it failed at kill mysql service",
    }


def test_a_block_heals_at_once_what_is_off() -> None:
    """What gives something back is never put off to the end of a block."""
    machines = Machines()
    cloud = Session(machines).cloud
    cloud.get_nodes().pick().poweroff()
    assert machines.off
    with cloud.together() as several:
        cloud.heal()
        assert not machines.off
    assert several.results == ()
    assert cloud.faults() == []
