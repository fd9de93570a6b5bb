"""What the journal knows of nodes that are off, cut off or silent: who takes it back, and whom nobody touches."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cloud_fixture import CONFIG, Machines, cloud_of

from os_faults import (
    AnsibleExecutionException,
    Cloud,
    ConfigError,
    HostResult,
    PartlyDone,
    PowerManagementError,
    RunTimeout,
    Status,
    UndoError,
    connect,
)
from os_faults.model import Action
from os_faults.testing import FakeRunner, done

pytestmark = pytest.mark.usefixtures("state_home")

POWER = {"power_management": {"driver": "libvirt", "connection_uri": "test:///default"}}
NODE_1, NODE_2, NODE_3 = (f"node-{number}.domain.tld" for number in (1, 2, 3))


class Session:
    """One process: a cloud of its own in front of the same machines.

    Attributes:
        cloud: the cloud.
        runner: what was done in this session.
    """

    def __init__(self, machines: Callable[[Action, str], HostResult], **config: object) -> None:
        self.runner = FakeRunner(machines)
        self.cloud: Cloud = cloud_of(self.runner, **{**POWER, **config})

    @property
    def done(self) -> list[tuple[str, list[str]]]:
        """The verbs that were done after the discovery, each with its nodes."""
        return [
            (action.verb, [node.fqdn for node in action.nodes])
            for action in self.runner.performed
            if action.verb != "discover"
        ]


@pytest.fixture
def machines() -> Machines:
    return Machines()


@pytest.mark.parametrize("verb", ["poweroff", "shutdown"])
def test_a_node_that_is_off_by_us_is_a_fault_in_every_session(machines: Machines, verb: str) -> None:
    first = Session(machines)
    begin = time.time()
    getattr(first.cloud.get_nodes(fqdns=[NODE_1]), verb)()
    for session in (first, Session(machines)):
        (fault,) = session.cloud.faults()
        assert (fault.node, fault.id, fault.verb) == (NODE_1, f"{verb}-{NODE_1}", verb)
        assert (fault.state, fault.until) == ("held", None)
        assert begin <= fault.since <= time.time()
        assert "@" in fault.by
        assert session.done[-1] == ("list", [NODE_2, NODE_3]), "nobody waits for a node that is off"


def test_it_stands_beside_what_the_others_hold(machines: Machines) -> None:
    machines.holds = ("freeze-memcached",)
    session = Session(machines)
    session.cloud.get_nodes(fqdns=[NODE_1]).poweroff()
    assert [(fault.node, fault.verb) for fault in session.cloud.faults()] == [
        (NODE_1, "poweroff"),
        (NODE_2, "freeze"),
        (NODE_3, "freeze"),
    ]


def test_a_new_session_heals_it(machines: Machines) -> None:
    Session(machines).cloud.get_nodes(fqdns=[NODE_1, NODE_2]).poweroff()
    session = Session(machines)
    result = session.cloud.heal()
    assert machines.off == set()
    assert session.done == [("poweron", [NODE_1, NODE_2]), ("heal", [NODE_1, NODE_2, NODE_3])]
    assert session.runner.performed[-2].arguments["wait"] is True, "a node that does not answer can't be healed"
    assert result.changed
    assert list(result[NODE_2].payload["undone"]) == [f"poweroff-{NODE_2}"]
    assert "undone" not in result[NODE_3].payload
    assert session.cloud.faults() == []
    assert Session(machines).cloud.heal()
    assert session.done[-1][0] == "list"


def test_one_is_healed_by_its_id(machines: Machines) -> None:
    session = Session(machines)
    session.cloud.get_nodes(fqdns=[NODE_1, NODE_2]).poweroff()
    assert list(session.cloud.heal(f"poweroff-{NODE_2}")) == [NODE_2]
    assert machines.off == {"10.0.0.1"}
    assert session.done[-1] == ("poweron", [NODE_2])
    session.cloud.heal("freeze-memcached")
    assert session.done[-1] == ("heal", [NODE_2, NODE_3]), "a node that is off holds nothing else"
    assert machines.off == {"10.0.0.1"}
    session.cloud.heal(["freeze-memcached", f"poweroff-{NODE_1}"])
    assert machines.off == set()
    assert session.runner.performed[-1].arguments["fault_ids"] == ["freeze-memcached"]


def test_poweron_ends_it(machines: Machines) -> None:
    Session(machines).cloud.get_nodes(fqdns=[NODE_1]).poweroff()
    session = Session(machines)
    session.cloud.get_nodes(fqdns=[NODE_1]).poweron()
    machines.off.add("10.0.0.1")  # by somebody else
    with pytest.raises(PartlyDone, match=r"node-1\.domain\.tld could not be reached"):
        session.cloud.faults()
    with pytest.raises(PartlyDone):
        session.cloud.heal()
    assert machines.off == {"10.0.0.1"}


def seen_by_its_machine(session: Session) -> None:
    assert session.cloud.get_nodes().power_state() == dict.fromkeys((NODE_1, NODE_2, NODE_3), "on")


@pytest.mark.parametrize(
    "look",
    [lambda session: session.cloud.get_nodes(), lambda session: session.cloud.faults(), seen_by_its_machine],
    ids=["discovery", "faults", "power state"],
)
def test_a_node_that_somebody_else_powered_on_is_ours_no_longer(
    machines: Machines, look: Callable[[Session], None]
) -> None:
    Session(machines).cloud.get_nodes(fqdns=[NODE_1]).poweroff()
    machines.off.clear()
    look(Session(machines))
    machines.off.add("10.0.0.1")  # for maintenance, say
    with pytest.raises(PartlyDone):
        Session(machines).cloud.heal()
    assert machines.off == {"10.0.0.1"}


def test_a_node_that_was_off_before_is_not_ours(machines: Machines) -> None:
    Session(machines).cloud.get_nodes()
    machines.off.add("10.0.0.2")
    session = Session(machines)
    session.cloud.get_nodes(fqdns=[NODE_1, NODE_2]).poweroff()
    with pytest.raises(PartlyDone, match=r"node-2\.domain\.tld could not be reached"):
        session.cloud.heal()
    assert machines.off == {"10.0.0.2"}


def test_off_twice_is_off_once(machines: Machines) -> None:
    session = Session(machines)
    node = session.cloud.get_nodes(fqdns=[NODE_1])
    node.poweroff()
    (before,) = session.cloud.faults()
    node.shutdown()
    assert session.cloud.faults() == [before]


def test_a_controller_that_died_has_said_what_it_was_at(machines: Machines) -> None:
    class Killed(BaseException):
        """In a real process nothing runs after it."""

    def dying(action: Action, node: str) -> HostResult:
        answer = machines(action, node)
        if action.verb == "poweroff" and node == NODE_2:
            raise Killed
        return answer

    machines.off.add("10.0.0.3")
    Session(Machines()).cloud.get_nodes()
    session = Session(dying)
    session.cloud._conductor._take_back = lambda *_: None  # type: ignore[method-assign]
    with pytest.raises(Killed):
        session.cloud.get_nodes(fqdns=[NODE_1, NODE_2, NODE_3]).poweroff()
    assert machines.off == {"10.0.0.1", "10.0.0.2", "10.0.0.3"}
    with pytest.raises(PartlyDone) as partly:
        Session(machines).cloud.heal()
    assert machines.off == {"10.0.0.3"}, "it was off before"
    assert partly.value.result[NODE_1].ok


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), TimeoutError("alarm")])
def test_an_interrupted_poweroff_is_taken_back(machines: Machines, interruption: BaseException) -> None:
    def interrupted(action: Action, node: str) -> HostResult:
        if action.verb == "poweroff" and node == NODE_2:
            raise interruption
        return machines(action, node)

    Session(machines).cloud.get_nodes()
    machines.off.add("10.0.0.3")
    session = Session(interrupted)
    with pytest.raises(type(interruption)) as caught:
        session.cloud.get_nodes(fqdns=[NODE_3, NODE_1, NODE_2]).poweroff()
    assert caught.value is interruption
    assert machines.off == {"10.0.0.3"}, "it was off before, so it stays off"
    assert not any(NODE_3 in nodes for verb, nodes in session.done if verb == "poweron")


def test_a_node_that_goes_off_after_the_interruption_is_powered_on_too(machines: Machines) -> None:
    asked = 0

    def late(action: Action, node: str) -> HostResult:
        nonlocal asked
        if action.verb == "shutdown":
            raise KeyboardInterrupt
        asked += action.verb == "poweron"
        answer = machines(action, node)
        if asked == 1:
            machines.off.add("10.0.0.1")
        return answer

    session = Session(late)
    with pytest.raises(KeyboardInterrupt):
        session.cloud.get_nodes(fqdns=[NODE_1]).shutdown()
    assert machines.off == set()
    assert session.cloud.faults() == []


def test_a_node_that_goes_off_much_later_is_listed_and_healed(
    machines: Machines, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupted(action: Action, node: str) -> HostResult:
        if action.verb == "shutdown":
            raise KeyboardInterrupt
        return machines(action, node)

    with pytest.raises(KeyboardInterrupt):
        Session(interrupted).cloud.get_nodes(fqdns=[NODE_1]).shutdown()
    assert f"{NODE_1}: on; should it go off yet by this shutdown, 'heal' powers it on" in caplog.text
    assert Session(machines).cloud.faults() == [], "it is on"
    machines.off.add("10.0.0.1")
    assert [fault.id for fault in Session(machines).cloud.faults()] == [f"shutdown-{NODE_1}"]
    Session(machines).cloud.heal()
    assert machines.off == set()


def test_an_undo_that_fails_is_named(machines: Machines) -> None:
    session = Session(machines)
    session.cloud.get_nodes(fqdns=[NODE_1, NODE_2]).poweroff()
    machines.broken.add("10.0.0.2")
    with pytest.raises(
        UndoError, match=r"node-2\.domain\.tld failed: poweroff at .* could not be taken back: the BMC does not answer"
    ) as undo:
        session.cloud.heal()
    assert undo.value.result[NODE_1].payload["undone"] == [f"poweroff-{NODE_1}"]
    assert session.done[-1] == ("heal", [NODE_1, NODE_3]), "all others are healed"
    with pytest.raises(PartlyDone, match=r"off by poweroff of .*; whether it still is, can't be asked: the BMC does"):
        session.cloud.faults()
    machines.broken.clear()
    session.cloud.heal()
    assert machines.off == set()


def test_a_run_that_does_not_end_keeps_nobody_from_being_healed(machines: Machines) -> None:
    def stuck(action: Action, node: str) -> HostResult:
        if action.verb == "poweron":
            raise RunTimeout("poweron nodes did not end within 420 s and was stopped")
        return machines(action, node)

    session = Session(stuck)
    session.cloud.get_nodes(fqdns=[NODE_1]).poweroff()
    with pytest.raises(UndoError, match=r"node-1.* could not be taken back: poweron nodes did not end within 420 s"):
        session.cloud.heal()
    assert session.done[-1] == ("heal", [NODE_2, NODE_3])


def test_a_machine_that_is_configured_no_longer_is_named(machines: Machines) -> None:
    Session(machines).cloud.get_nodes(fqdns=[NODE_1]).poweroff()
    session = Session(machines, power_management={**POWER["power_management"], "domains": {NODE_2: "vm-2"}})
    with pytest.raises(UndoError, match=r"node-1.* could not be taken back: .* no power driver knows node-1"):
        session.cloud.heal()
    with pytest.raises(PartlyDone) as partly:
        session.cloud.faults()
    assert partly.value.result[NODE_1].payload["holds"], "it is listed all the same"


def test_without_a_journal_nothing_is_powered_off(machines: Machines, state_home: Path) -> None:
    Session(machines).cloud.get_nodes()
    for path in state_home.rglob("*.json"):
        path.with_suffix(".lock").mkdir()  # in place of the file that writing needs
    session = Session(machines)
    with pytest.raises(ConfigError, match="can't write the journal by which it is taken back, so nothing was done"):
        session.cloud.get_nodes(fqdns=[NODE_1]).poweroff()
    assert machines.off == set()
    assert session.cloud.heal(), "and all else goes on"


def test_a_runner_of_ones_own_keeps_nothing_on_the_disk(state_home: Path) -> None:
    runner = FakeRunner()
    with connect({**CONFIG, **POWER}, runner=runner) as cloud:
        cloud.get_nodes()[:1].poweroff()
        assert cloud.faults() == [], "it does what it is told, and holds no fault"
    machines = Machines()
    with connect({**CONFIG, **POWER}, runner=FakeRunner(machines)) as cloud:
        cloud.get_nodes()[:1].poweroff()
        assert [fault.verb for fault in cloud.faults()] == ["poweroff"]
        cloud.heal()
        assert machines.off == set()
    assert not state_home.exists()


def test_a_fake_that_only_says_done_is_enough() -> None:
    def answer(action: Action, node: str) -> HostResult:
        return Machines()(action, node) if action.verb == "discover" else done(action, node)

    with connect({**CONFIG, **POWER}, runner=FakeRunner(answer)) as cloud:
        cloud.get_nodes().poweroff()
        assert len(cloud.faults()) == 3
        cloud.get_nodes().poweron()
        assert cloud.faults() == []


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
            hold = {"id": f"read_only-{action.hits}", "fault": action.verb, "subject": action.hits}
            self.holds.setdefault(node, []).append(
                {**hold, "state": "injected", "since": 1.0, "until": self.until, "by": ""}
            )
            return HostResult(node, Status.OK, changed=True, payload={"id": hold["id"], "until": self.until})
        if action.verb == "read_write":
            self.holds[node] = [hold for hold in self.holds[node] if hold["subject"] != action.hits]
            return HostResult(node, Status.OK, changed=True, payload={"id": f"read_only-{action.hits}"})
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


# The driver says what it can do.


def test_what_a_driver_cannot_do_is_refused_by_name(machines: Machines) -> None:
    bmc = {"address": "10.0.1.1", "username": "admin", "password": "secret"}
    session = Session(machines, power_management={"driver": "ipmi", "fqdn_to_bmc": {NODE_1: bmc, NODE_2: bmc}})
    nodes = session.cloud.get_nodes(fqdns=[NODE_1, NODE_2])
    with pytest.raises(
        PowerManagementError,
        match=r"^the power driver of node-1\.domain\.tld \(ipmi\), node-2\..* \(ipmi\) can't do snapshot; nothing was",
    ):
        nodes.snapshot("ready")
    with pytest.raises(PowerManagementError, match=r"power_state needs .* no power driver knows node-3\.domain\.tld"):
        session.cloud.get_nodes().power_state()
    assert session.done == []
    assert nodes.power_state() == {NODE_1: "on", NODE_2: "on"}


@pytest.mark.parametrize(
    ("ids", "told", "untold"), [((), ("/srv", "/opt"), ()), (("read_only-/srv",), ("/srv",), ("/opt",))]
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
