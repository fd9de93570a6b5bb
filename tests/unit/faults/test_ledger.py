"""What the journal knows of nodes that are off, cut off or silent: who takes it back, and whom nobody touches."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cloud_fixture import CONFIG, Machines
from support.session_fixture import NODE_1, NODE_2, NODE_3, POWER, Session

from os_faults import (
    AnsibleExecutionException,
    ConfigError,
    HostResult,
    PartlyDone,
    PowerManagementError,
    RunTimeout,
    UndoError,
    connect,
)
from os_faults.faults.journal import INJECTED, Entry, Journal
from os_faults.faults.ledger import Ledger
from os_faults.model import Action, Node
from os_faults.testing import FakeRunner, done

pytestmark = pytest.mark.usefixtures("state_home")


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
    session.cloud.get_service("memcached").freeze(session.cloud.get_nodes(fqdns=[NODE_2]))
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
    session.cloud._executor._take_back = lambda *_: None  # type: ignore[method-assign]
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
    assert f"{NODE_1}: on; if this shutdown still powers it off, 'heal' powers it on" in caplog.text
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
    with pytest.raises(PartlyDone, match=r"off by poweroff of .*; its power state is not known: the BMC does"):
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
    (lock,) = state_home.rglob("*.lock")
    lock.unlink()
    lock.mkdir()  # in place of the file that writing needs
    session = Session(machines)
    with pytest.raises(ConfigError, match="can't write the journal by which it is taken back, so nothing was done"):
        session.cloud.get_nodes(fqdns=[NODE_1]).poweroff()
    assert machines.off == set()
    assert session.cloud.heal(), "and all else goes on"


def test_without_a_journal_no_fault_is_made_that_only_it_could_tell(
    machines: Machines, state_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One rule: who can't write down what is done does nothing, and takes back all the same."""
    Session(machines).cloud.get_nodes()
    (lock,) = state_home.rglob("*.lock")
    lock.unlink()
    lock.mkdir()
    session = Session(machines)
    service = session.cloud.get_service("memcached")
    with pytest.raises(ConfigError, match=r"can't write the journal .* so nothing was done: .*; XDG_STATE_HOME"):
        service.freeze()
    assert session.done == []
    assert service.unfreeze(), "what gives back goes on"
    assert session.cloud.heal()


def test_a_journal_that_cannot_be_read_is_told_once_and_healing_is_not_whole(
    machines: Machines, state_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Session(machines).cloud.get_nodes()
    (memory,) = state_home.rglob("*.json")
    journal = memory.with_suffix(".journal")
    journal.mkdir()
    cloud = Session(machines).cloud
    with pytest.raises(AnsibleExecutionException, match=r"can't read the journal .* the nodes that were powered off"):
        cloud.heal()
    assert str(journal) in str(cloud.heal(check=False).error)
    assert len([record for record in caplog.records if "can't read the journal" in record.message]) == 1
    assert cloud.faults() == [], "the nodes tell what they hold"


def test_ten_thousand_entries_and_a_thousand_nodes_are_no_matter(state_home: Path) -> None:
    known = [
        Entry(f"n{number}", f"10.1.{number // 250}.{number % 250}", f"freeze-{each}", "freeze", "x", "unfreeze", False,
              INJECTED, 1.0, None, 2.0, "me", "run")
        for number in range(1000)
        for each in range(10)
    ]  # fmt: skip
    journal = Journal(None)
    journal.write(known, 1.0)
    held = Ledger(journal, "me")
    nodes = [Node(fqdn=f"n{number}", ip=f"10.9.{number // 250}.{number % 250}") for number in range(1000)]
    begin = time.process_time()
    assert len(held.last_known(nodes)) == 1000
    assert held.off(nodes) == held.cut(nodes) == {}
    assert time.process_time() - begin < 3, "three looks; it grew with the product of both, 2 s for each"


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


# The driver says what it can do.


def test_what_a_driver_cannot_do_is_refused_by_name(machines: Machines) -> None:
    one, two = ({"address": f"10.0.1.{n}", "username": "admin", "password": "secret"} for n in (1, 2))
    session = Session(machines, power_management={"driver": "ipmi", "fqdn_to_bmc": {NODE_1: one, NODE_2: two}})
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
