"""The last tests: everything was shown, and nothing is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hostlab.controller import processes_with
from hostlab.evidence import Evidence
from hostlab.fingerprint import traces
from hostlab.observer import Host
from hostlab.waiting import wait_for

from os_faults import Cloud


def test_every_verb_was_seen_and_undone(evidence: Evidence, verbs: list[str]) -> None:
    assert evidence.missing(verbs) == []


def test_nothing_is_left_on_the_hosts(cloud: Cloud, every_node: list[Host]) -> None:
    cloud.heal()
    for host in every_node:
        found = host.fingerprint()
        assert traces(found) == "", host.name
        assert found["stopped processes"] == frozenset(), host.name
        assert not any("osf_" in line for line in found["nft"] | found["iptables"] | found["ip6tables"]), host.name
    state: dict[str, Any] = json.loads(every_node[0].lab.command("status", "--json"))
    assert {str(node["cables"]) for node in state["nodes"].values()} == {"{'host0': 'up', 'stor0': 'up'}"}


def test_nothing_is_left_on_this_machine(cloud: Cloud, private: Path) -> None:
    cloud.close()
    wait_for(lambda: not processes_with(str(private / "run")), "no process of a run is left", 10)
    left = [path for folder in ("run", "tmp") for path in (private / folder).iterdir()]
    if left:
        pytest.fail(f"left on this machine: {[str(path) for path in left]}")
