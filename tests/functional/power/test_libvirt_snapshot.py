"""Snapshots of libvirt domains: `osf_libvirt_snapshot` and `node_snapshot.yml` against libvirt's own test driver.

What comes of a snapshot in a hypervisor that goes on is in test_libvirt_ssh.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.libvirt_domains import NEEDS_LIBVIRT, OFF, PAUSED, domain, hypervisor

pytestmark = [pytest.mark.functional, NEEDS_LIBVIRT]

SAVED = """\
<test:domainsnapshot>
  <name>{name}</name>
  <creationTime>1700000000</creationTime>
  <state>running</state>
  <memory snapshot='internal'/>
  <active>{active}</active>
  <domain type='test'>
    <name>{domain}</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193{number}</uuid><memory>1024</memory><os><type>hvm</type></os>
  </domain>
</test:domainsnapshot>
"""


def saved(number: int, name: str, *snapshots: str, state: int = 1) -> str:
    """Return a domain with these snapshots."""
    more = "".join(
        SAVED.format(name=snapshot, domain=name, number=number, active=int(snapshot == snapshots[-1]))
        for snapshot in snapshots
    )
    return domain(number, name, f"52:54:00:00:00:0{number}", state, more=more)


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return hypervisor(
        tmp_path,
        saved(1, "running", "clean", "older"),
        saved(2, "off", "clean", state=OFF),
        saved(3, "paused", "clean", state=PAUSED),
        saved(4, "new"),
    )


def act(play: Any, uri: str, action: str, who: Mapping[str, tuple[str, str]], **more: Any) -> Any:
    """Run the playbook for nodes of these names, each with its domain and the name of the snapshot."""
    hosts = {
        node: {"os_faults_power": {"driver": "libvirt", "uri": uri, "domain": its}, "snapshot_name": snapshot}
        for node, (its, snapshot) in who.items()
    }
    inventory = {"ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_become": True}
    return play("node_snapshot.yml", hosts=hosts, inventory=inventory, node_action=action, wait_timeout=5, **more)


@pytest.mark.each_line
@pytest.mark.case("F09")
@pytest.mark.parametrize("check", [False, True], ids=["for real", "check mode"])
def test_a_snapshot_is_added_to_those_that_are_there(play: Any, uri: str, check: bool) -> None:
    before = {"running": ["clean", "older"], "paused": ["clean"], "new": []}
    done = act(play, uri, "snapshot", {name: (name, "ready") for name in before}, check=check, diff=True)
    assert done.rc == 0, done.failures
    for name, names in before.items():
        result = done.results()[name]
        assert (result["changed"], result["snapshot"], result["domain"]) == (True, "ready", name)
        assert (result["previous_state"], result["power_state"]) == ("on", "on")
        assert result["snapshots"] == [*names, "ready"]
        assert result["diff"] == {"before": {"snapshots": names}, "after": {"snapshots": [*names, "ready"]}}


@pytest.mark.case("F11")
@pytest.mark.parametrize(
    ("resume", "check", "state"), [(True, False, "running"), (True, True, "running"), (False, False, "paused")]
)
def test_back_to_a_snapshot_from_every_state(play: Any, uri: str, resume: bool, check: bool, state: str) -> None:
    who = {name: (name, "clean") for name in ("running", "off", "paused")}
    done = act(play, uri, "revert", who, resume=resume, check=check, diff=True)
    assert done.rc == 0, done.failures
    for name in who:
        result = done.results()[name]
        assert (result["changed"], result["snapshot"]) == (True, "clean")
        assert (result["previous_state"], result["power_state"]) == ("off" if name == "off" else "on", "on")
        assert result["diff"] == {"before": {"state": name}, "after": {"state": state, "as in": "clean"}}


def test_what_cannot_be_is_refused_by_name_and_the_rest_is_done(play: Any, uri: str) -> None:
    snapshots = {
        "taken": ("running", "clean"),
        "off": ("off", "ready"),
        "unknown": ("no-such", "ready"),
        "slash": ("new", "a/b"),
        "dot": ("new", ".hidden"),
        "done": ("new", "ready"),
    }
    done = act(play, uri, "snapshot", snapshots)
    odd = "the name is empty, begins with a dot, or has a slash in it"
    assert done.failures == {
        "taken": f"domain running of {uri} has a snapshot 'clean' already; choose another name",
        "off": f"domain off of {uri} is off, so there is no memory to save (poweron starts it)",
        "unknown": f"libvirt at {uri} has no domain with the name or UUID 'no-such'; "
        "its domains: new, off, paused, running",
        "slash": f"domain new of {uri} can't have a snapshot named 'a/b': {odd}",
        "dot": f"domain new of {uri} can't have a snapshot named '.hidden': {odd}",
    }
    assert done.results()["done"]["snapshots"] == ["ready"]
    done = act(play, uri, "revert", {"none": ("new", "ready"), "other": ("running", "reddy")}, check=True)
    assert done.failures == {
        "none": f"domain new of {uri} has no snapshot 'ready'; its snapshots: none",
        "other": f"domain running of {uri} has no snapshot 'reddy'; its snapshots: clean, older",
    }
