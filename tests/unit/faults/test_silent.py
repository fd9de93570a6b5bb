"""What a new session says of nodes that are silent: cut off by us, or holding what they held when last heard of."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from support.cloud_fixture import Machines
from support.session_fixture import NODE_1, NODE_2, Session

from os_faults import AnsibleExecutionException, HostResult, PartlyDone, Status
from os_faults.model import Action

pytestmark = pytest.mark.usefixtures("state_home")


@pytest.fixture
def machines() -> Machines:
    return Machines()


# A node whose path was cut can't be asked either, but it takes that back itself.


def cutting(until: float) -> Callable[[Action, str], HostResult]:
    """Return hosts of which those that lose their network are silent from then on."""
    cut: set[str] = set()

    def answer(action: Action, node: str) -> HostResult:
        address = next(host.ip for host in action.nodes if host.fqdn == node)
        if action.verb == "disable_network":
            cut.add(address)
            told = {"id": "disable_network-management", "cuts_path": True, "until": until, "state": "armed"}
            return HostResult(node, Status.OK, changed=True, payload=told)
        return Machines(*cut)(action, node)

    return answer


def test_a_node_that_we_cut_off_is_told_with_its_end(machines: Machines) -> None:
    until = time.time() + 60
    answer = cutting(until)
    Session(answer).cloud.get_nodes(fqdns=[NODE_2]).disable_network("management")
    (fault,) = Session(answer).cloud.faults()
    assert (fault.node, fault.id, fault.subject) == (NODE_2, "disable_network-management", "management")
    assert (fault.state, fault.until) == ("held", until)
    with pytest.raises(PartlyDone, match=r"node-2.*: No route to host \(cut off by disable_network management until "):
        Session(answer).cloud.heal()


def test_after_its_end_a_silent_node_is_only_silent() -> None:
    answer = cutting(time.time() - 1)
    Session(answer).cloud.get_nodes(fqdns=[NODE_2]).disable_network("management")
    with pytest.raises(PartlyDone, match="No route to host"):
        Session(answer).cloud.faults()


def test_a_node_that_answered_after_the_cut_is_not_cut_off(machines: Machines) -> None:
    Session(cutting(time.time() + 60)).cloud.get_nodes(fqdns=[NODE_2]).disable_network("management")
    assert Session(machines).cloud.faults() == []
    machines.off.add("10.0.0.2")
    with pytest.raises(PartlyDone, match="No route to host"):
        Session(machines).cloud.faults()


# A node that fell silent for another reason is told with what it held when it was last heard of.


class Holding:
    """Hosts that tell what read_only did to them, but for those whose addresses are in ``silent``."""

    def __init__(self) -> None:
        self.holds: dict[str, list[dict[str, object]]] = {}
        self.silent: set[str] = set()
        self.until = time.time() + 60

    def __call__(self, action: Action, node: str) -> HostResult:
        address = next(host.ip for host in action.nodes if host.fqdn == node)
        if address in self.silent:
            return Machines(address)(action, node)
        if action.verb == "read_only":
            hold = {"id": f"read_only{action.hits.replace('/', '-')}", "fault": action.verb, "subject": action.hits}
            self.holds.setdefault(node, []).append(
                {**hold, "state": "injected", "since": 1.0, "until": self.until, "by": ""}
            )
            return HostResult(node, Status.OK, changed=True, payload={"id": hold["id"], "until": self.until})
        if action.verb == "read_write":
            self.holds[node] = [hold for hold in self.holds[node] if hold["subject"] != action.hits]
            return HostResult(
                node, Status.OK, changed=True, payload={"id": f"read_only{action.hits.replace('/', '-')}"}
            )
        if action.verb == "heal":
            undone = [hold["id"] for hold in self.holds.pop(node, [])]
            return HostResult(node, Status.OK, changed=True, payload={"undone": undone, "failed_holds": []})
        if action.verb == "list":
            return HostResult(node, Status.OK, payload={"holds": self.holds.get(node, [])})
        return Machines()(action, node)


def told_of(hosts: Holding) -> str:
    """Return what a new session says of node-2, which is silent now."""
    hosts.silent = {"10.0.0.2"}
    with pytest.raises(PartlyDone) as raised:
        Session(hosts).cloud.faults()
    hosts.silent = set()
    return str(raised.value)


def test_a_silent_node_is_told_with_what_it_held() -> None:
    hosts = Holding()
    nodes = Session(hosts).cloud.get_nodes(fqdns=[NODE_2])
    nodes.read_only("/srv")
    nodes.read_only("/opt")
    told = told_of(hosts)
    assert "by the journal of this controller: read_only /srv of " in told
    assert "read_only /opt of " in told
    nodes.read_write("/srv")
    assert "/srv" not in told_of(hosts)
    assert "/opt" in told_of(hosts)


@pytest.mark.parametrize("how", ["heal", "listed as gone", "its time"])
def test_what_is_over_is_told_no_longer(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Holding()
    session = Session(hosts)
    session.cloud.get_nodes(fqdns=[NODE_2]).read_only("/srv")
    assert "/srv" in told_of(hosts)
    if how == "heal":
        session.cloud.heal()
    elif how == "listed as gone":
        hosts.holds.clear()
        assert session.cloud.faults() == []
    else:
        now = time.time() + 61
        monkeypatch.setattr(time, "time", lambda: now)
    assert "journal" not in told_of(hosts)


def test_a_node_that_fell_silent_in_the_middle_is_told_with_what_was_begun() -> None:
    hosts = Holding()
    nodes = Session(hosts).cloud.get_nodes(fqdns=[NODE_1, NODE_2])
    hosts.silent = {"10.0.0.2"}
    with pytest.raises(PartlyDone):
        nodes.read_only("/srv")
    assert "read_only /srv of " in (told := told_of(hosts))
    assert "its outcome is not known" in told


def test_a_host_that_refused_holds_nothing() -> None:
    hosts = Holding()

    def refusing(action: Action, node: str) -> HostResult:
        return HostResult(node, Status.FAILED, message="no") if action.verb == "read_only" else hosts(action, node)

    with pytest.raises(AnsibleExecutionException):
        Session(refusing).cloud.get_nodes(fqdns=[NODE_2]).read_only("/srv")
    assert "journal" not in told_of(hosts)


@pytest.mark.parametrize(
    ("ids", "told", "untold"), [((), ("/srv", "/opt"), ()), (("read_only-srv",), ("/srv",), ("/opt",))]
)
def test_a_healing_that_is_interrupted_tells_what_may_be_held_yet(
    ids: tuple[str, ...], told: tuple[str, ...], untold: tuple[str, ...]
) -> None:
    hosts = Holding()

    def interrupted(action: Action, node: str) -> HostResult:
        if action.verb == "heal":
            raise KeyboardInterrupt
        return hosts(action, node)

    session = Session(interrupted)
    for path in ("/srv", "/opt"):
        session.cloud.get_nodes(fqdns=[NODE_2]).read_only(path)
    with pytest.raises(KeyboardInterrupt) as interruption:
        session.cloud.heal(ids)
    *sentences, last = interruption.value.__notes__
    assert all(any(f"{NODE_2}: may hold read_only {path} of " in said for said in sentences) for path in told)
    assert not any(path in said for path in untold for said in sentences)
    assert "os-faults faults" in last
