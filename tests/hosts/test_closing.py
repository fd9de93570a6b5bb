"""The last tests: everything was shown, and nothing is left on the hosts. See `private` for this machine."""

from __future__ import annotations

import json
from typing import Any

from hostlab.evidence import Evidence
from hostlab.fingerprint import traces
from hostlab.matrix import Matrix
from hostlab.observer import Host

from os_faults import Cloud


def test_every_verb_was_seen_and_undone(evidence: Evidence, verbs: list[str]) -> None:
    assert evidence.missing(verbs) == []


def test_the_crash_matrix_is_full(matrix: Matrix) -> None:
    assert matrix.missing() == []


def test_nothing_is_left_on_the_hosts(cloud: Cloud, every_node: list[Host]) -> None:
    cloud.heal()
    for host in every_node:
        found = host.fingerprint()
        assert traces(found) == "", host.name
        assert found["stopped processes"] == frozenset(), host.name
        assert not any("osf_" in line for line in found["nft"] | found["iptables"] | found["ip6tables"]), host.name
    state: dict[str, Any] = json.loads(every_node[0].lab.command("status", "--json"))
    assert {str(node["cables"]) for node in state["nodes"].values()} == {"{'host0': 'up', 'stor0': 'up'}"}
