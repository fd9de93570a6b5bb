"""node_power_state.yml against libvirt's own test driver: what it says of machines, and that it leaves them alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.libvirt_domains import NEEDS_LIBVIRT, OFF, PAUSED, RUNNING, domain, hypervisor

pytestmark = [pytest.mark.functional, NEEDS_LIBVIRT]


@pytest.fixture
def uri(tmp_path: Path) -> str:
    """A hypervisor with a domain of each state."""
    states = [("node-1", RUNNING), ("node-2", OFF), ("paused", PAUSED)]
    domains = [domain(n, name, f"52:54:00:00:00:0{n}", state) for n, (name, state) in enumerate(states, 1)]
    return hypervisor(tmp_path, *domains)


def test_the_power_state_is_told_and_nothing_is_done(play: Any, uri: str) -> None:
    """Also when somebody gives it an action by hand."""
    hosts = {
        name: {"os_faults_power": {"driver": "libvirt", "uri": uri, "domain": name}}
        for name in ("node-1", "node-2", "paused", "node-9")
    }
    done = play("node_power_state.yml", hosts=hosts, node_action="poweroff")
    assert list(done.failures) == ["node-9"]
    told = {name: (one["changed"], one["power_state"]) for name, one in done.results().items() if name != "node-9"}
    assert told == {"node-1": (False, "on"), "node-2": (False, "off"), "paused": (False, "on")}
