"""Rollbacks: a node that gives no answer in time is asked once more, and no node is asked for ever."""

from __future__ import annotations

import pytest

from os_faults import AnsibleExecutionException, HostResult, Node, Result, Status
from os_faults.actions import for_verb
from os_faults.faults.rollback import Rollback
from os_faults.model import Action

NODE = Node("node-1", "10.0.0.1")
FREEZE = for_verb("service", "freeze", [NODE], subject="keystone service", service="keystone", seconds=60)
HOLD = {"id": "freeze-keystone", "fault": "freeze", "subject": "keystone", "since": 99.0, "until": 160.0}


class Busy:
    """A node that holds a fault, and answers only after some questions.

    Attributes:
        silent: how many questions it does not answer.
        holds: whether the fault is there.
        asked: how many questions it got.
    """

    def __init__(self, silent: int, status: Status = Status.FAILED) -> None:
        self.silent = silent
        self.holds = True
        self.asked = 0
        self._status = status

    def __call__(self, action: Action) -> Result:
        """Be a runner for this node."""
        if action.playbook == "heal.yml":
            self.holds = HOLD["id"] not in action.known["os_faults_ids_of"][NODE.fqdn]
            return Result(action, {NODE.fqdn: HostResult(NODE.fqdn, Status.OK, changed=True)})
        self.asked += 1
        if self.asked <= self.silent:
            return Result(action, {NODE.fqdn: HostResult(NODE.fqdn, self._status, message="late", answered=False)})
        return Result(action, {NODE.fqdn: HostResult(NODE.fqdn, Status.OK, payload={"now": 100.0, "holds": [HOLD]})})


def test_a_node_that_is_busy_once_is_healed() -> None:
    node = Busy(silent=1)
    rollback = Rollback(FREEZE, node, lambda: 2.0)
    rollback()
    assert not node.holds
    assert rollback.left() == []


@pytest.mark.parametrize(("status", "questions"), [(Status.FAILED, 2), (Status.UNREACHABLE, 1)])
def test_a_node_that_stays_silent_is_reported(status: Status, questions: int) -> None:
    node = Busy(silent=9, status=status)
    rollback = Rollback(FREEZE, node, lambda: 2.0)
    with pytest.raises(AnsibleExecutionException, match="late"):
        rollback()
    assert node.asked == questions
    (sentence,) = rollback.left()
    assert sentence.startswith("node-1: may hold freeze keystone service")
