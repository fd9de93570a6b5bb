"""node_snapshot.yml where the machines of some nodes have no snapshots: nothing is done to any."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.functional


@pytest.mark.parametrize("verb", ["snapshot", "revert"])
def test_nodes_whose_driver_knows_no_snapshots_stop_all_by_name(play: Any, verb: str) -> None:
    hosts = {
        "node-1": {"os_faults_power": {"driver": "libvirt", "uri": "test:///default", "domain": "test"}},
        "node-2": {"os_faults_power": {"driver": "ipmi", "address": "192.0.2.9", "username": "x"}},
        "node-3": {"os_faults_power": {"driver": "ipmy"}},
    }
    done = play("node_snapshot.yml", hosts=hosts, node_action=verb, snapshot_name="ready")
    why = f"the power driver of node-2, node-3 (ipmi, ipmy) can't {verb}, only libvirt can; nothing was done"
    assert set(done.failures.values()) == {why}
    assert not done.results()
