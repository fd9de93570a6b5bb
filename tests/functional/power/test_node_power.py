"""node_power.yml, as far as it is the same by every driver; see test_<driver>_power.py and test_answer.py."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.functional


@pytest.mark.case("F02")
@pytest.mark.parametrize("verb", ["poweroff", "poweron", "reset", "shutdown"])
def test_nodes_without_a_power_driver_stop_all_by_name(play: Any, verb: str) -> None:
    known = {"os_faults_power": {"driver": "libvirt", "uri": "test:///default", "domain": "test"}}
    done = play("node_power.yml", hosts={"node-1": known, "node-7": {}, "node-8": {}}, node_action=verb)
    why = "no power driver knows node-7, node-8 (no variable os_faults_power); nothing was done"
    assert set(done.failures.values()) == {why}
    assert not done.results()
