from __future__ import annotations

import pytest
from support.cloud_fixture import cloud_of, hosts

from os_faults import ArgumentError, HostResult, PartlyDone, Status, UndoError
from os_faults.model import Action
from os_faults.testing import FakeRunner

pytestmark = pytest.mark.usefixtures("state_home")
FIRST, SECOND, THIRD = (f"node-{number}.domain.tld" for number in (1, 2, 3))


class Nodes:
    """Nodes that do as they are told, but for some answers to some verbs."""

    def __init__(self, **answers: dict[str, HostResult]) -> None:
        self._answers = answers

    def __call__(self, action: Action, node: str) -> HostResult:
        return self._answers.get(action.verb, {}).get(node) or hosts()(action, node)


def done(runner: FakeRunner) -> list[tuple[str, list[str]]]:
    """Return what was done to which nodes, without what only reads."""
    return [(action.verb, [node.fqdn for node in action.nodes]) for action in runner.performed if not action.harmless]


def test_a_fault_lasts_as_long_as_the_block():
    runner = FakeRunner(hosts())
    with cloud_of(runner) as cloud:
        with cloud.get_service("keystone").frozen(heal_after=60) as result:
            assert result.changed
            assert done(runner) == [("freeze", [FIRST])]
            assert runner.performed[-1].arguments["heal_after"] == "60"
        assert done(runner) == [("freeze", [FIRST]), ("unfreeze", [FIRST])]
        assert runner.performed[-1].arguments == {"service": "keystone", "service_action": "unfreeze"}


def test_the_other_end_of_a_fault_is_told_by_what_it_was_done_to():
    runner = FakeRunner(hosts())
    with cloud_of(runner) as cloud:
        with cloud.get_nodes().injected("fill_disk", path="/srv", free="10M"):
            pass
        assert runner.performed[-1].arguments == {"node_action": "free_disk", "path": "/srv"}


def test_an_error_in_the_block_takes_the_fault_back_and_is_passed_on():
    runner = FakeRunner(hosts())
    with cloud_of(runner) as cloud:
        with pytest.raises(KeyboardInterrupt), cloud.get_service("keystone").unplugged():
            raise KeyboardInterrupt
        assert done(runner) == [("unplug", [FIRST]), ("plug", [FIRST])]


@pytest.mark.parametrize("told", [{"changed": False}, {"changed": True, "payload": {"extended": True}}])
def test_what_a_node_held_before_stays(told):
    runner = FakeRunner(Nodes(freeze={SECOND: HostResult(SECOND, Status.OK, **told)}))
    with cloud_of(runner) as cloud:
        with cloud.get_service("memcached").frozen():
            pass
        assert done(runner) == [("freeze", [FIRST, SECOND, THIRD]), ("unfreeze", [FIRST, THIRD])]


def test_a_fault_that_came_half_way_is_taken_back_and_the_block_does_not_begin():
    runner = FakeRunner(
        Nodes(
            freeze={
                FIRST: HostResult(FIRST, Status.FAILED, message="no memory"),
                SECOND: HostResult(SECOND, Status.OK, changed=False),
            }
        )
    )
    with cloud_of(runner) as cloud:
        with pytest.raises(PartlyDone, match="no memory"), cloud.get_service("memcached").frozen():
            pytest.fail("the block began")
        assert done(runner)[-1] == ("unfreeze", [FIRST, THIRD])


def test_an_undo_that_fails_is_loud_and_names_what_went_wrong_before():
    left = HostResult(FIRST, Status.FAILED, message="still stopped", payload={"undo_failed": True})
    runner = FakeRunner(Nodes(unfreeze={FIRST: left}))
    with cloud_of(runner) as cloud:
        with pytest.raises(UndoError, match="still stopped") as caught, cloud.get_service("keystone").frozen():
            raise ValueError("in the block")
        assert isinstance(caught.value.__context__, ValueError)


@pytest.mark.parametrize("answers", [(True,), (False, True)])
def test_nodes_that_are_cut_off_are_asked_again_when_they_have_healed(answers, monkeypatch):
    waits, left = [], list(answers)
    monkeypatch.setattr("time.sleep", waits.append)

    def answer(action: Action, node: str) -> HostResult:
        if action.verb == "disable_network":
            return HostResult(node, Status.OK, changed=True, payload={"cuts_path": True, "until": 0.0})
        if action.verb == "enable_network":
            return HostResult(node, Status.OK if left.pop(0) else Status.UNREACHABLE)
        return hosts()(action, node)

    runner = FakeRunner(answer)
    with cloud_of(runner, networks={"management": "eth0"}) as cloud:
        with cloud.get_nodes(fqdns=[FIRST]).network_disabled("management", heal_after=60):
            pass
        assert left == []
        assert len(waits) == len(answers) - 1


def test_the_end_of_an_action_can_be_set():
    runner = FakeRunner(hosts())
    with cloud_of(runner) as cloud:
        keystone = cloud.get_service("keystone")
        with cloud.injected(keystone.action("freeze", seconds=5), seconds=60):
            assert runner.performed[-1].arguments["heal_after"] == "60"
            assert "seconds" not in runner.performed[-1].arguments


@pytest.mark.parametrize("verb", ["reboot", "end_oom"])
def test_what_leaves_nothing_has_no_block(verb):
    runner = FakeRunner(hosts())
    with cloud_of(runner) as cloud:
        with pytest.raises(ArgumentError, match="nothing that could be taken back"), cloud.get_nodes().injected(verb):
            pytest.fail("the block began")
        assert done(runner) == []


def test_an_end_is_refused_where_the_nodes_can_not_keep_it():
    with cloud_of(FakeRunner(hosts())) as cloud:
        action = cloud.get_service("keystone").action("terminate")
        with pytest.raises(ArgumentError, match="does not end by itself"):
            cloud.injected(action, seconds=60)
