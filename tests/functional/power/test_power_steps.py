"""`power.steps`: what all power modules do, on machines that behave as real ones do at their worst."""

from __future__ import annotations

import doctest
import sys
import time
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.power import again, ipmi, libvirt, redfish, redfish_login, steps
from support.module_files import load
from support.quick_time import Clock

pytestmark = pytest.mark.functional


class Machine:
    """Answers ``states`` one after another, the last for ever; an error among them is raised."""

    name = "machine m"
    patience = 5
    distance = 1.0

    def __init__(self, *states: str | Exception, refusal: Exception | None = None) -> None:
        self.states = list(states)
        self.refusal = refusal
        self.asked: list[str] = []

    def state(self) -> str:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, Exception):
            raise state
        return state

    def act(self, action: str) -> None:
        self.asked.append(action)
        if self.refusal:
            raise self.refusal


BUSY = again.Trouble("the controller is busy", again.BUSY)


@pytest.mark.parametrize(
    "tested",
    [
        again,
        ipmi,
        libvirt,
        redfish,
        redfish_login,
        steps,
        *map(load, ("osf_ipmi_power", "osf_libvirt_snapshot", "osf_redfish_power")),
    ],
)
def test_the_examples_of_the_docstrings(tested: ModuleType) -> None:
    assert doctest.testmod(tested).failed == 0


@pytest.mark.parametrize(
    ("module", "name", "library", "package"),
    [
        (libvirt, "libvirt", "libvirt", "'os-faults[libvirt]'"),
        (redfish_login, "sushy", "sushy", "'os-faults[redfish]'"),
        (load("osf_ipmi_power"), "Command", "pyghmi", "'pyghmi'"),
    ],
    ids=["libvirt", "redfish", "ipmi"],
)
def test_a_missing_extra_is_told_with_the_command_that_installs_it(
    module: ModuleType, name: str, library: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    class Module:
        def fail_json(self, msg: str, **more: Any) -> None:
            told.append(msg)
            raise SystemExit

    monkeypatch.setattr(module, name, None)
    monkeypatch.setattr(module, f"{library.upper()}_TRACEBACK", "", raising=False)
    with pytest.raises(SystemExit):
        module.require(Module())
    here = f"{library} is missing for {sys.executable} on this host"
    assert told == [f"{here}; install it there: pip install {package}"]


class Gone(Exception):
    """What libvirt raises."""

    def __init__(self, code: int) -> None:
        self.code = code

    def get_error_code(self) -> int:
        return self.code


def test_a_guest_that_vanishes_while_domains_are_listed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    known = SimpleNamespace(libvirtError=Gone, VIR_ERR_NO_DOMAIN=42)
    monkeypatch.setattr(libvirt, "libvirt", known)

    def tell(code: int) -> int:
        if code:
            raise Gone(code)
        return code

    assert list(libvirt.told([0, 42, 0], tell)) == [0, 0]
    with pytest.raises(Gone):
        list(libvirt.told([0, 38], tell))


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_it_waits_for_what_it_sees_also_while_nobody_answers(clock: Clock) -> None:
    machine = Machine("on", "on", BUSY, "off")
    done = steps.carry_out(machine, "poweroff", 5, asker=clock.asker(5))
    assert machine.asked == ["poweroff"]
    assert (done["changed"], done["previous_state"], done["power_state"]) == (True, "on", "off")
    assert (done["waited"], clock.slept) == (1.2, [0.2, 1.0])


@pytest.mark.parametrize(
    ("machine", "action", "why"),
    [
        (Machine("on"), "poweroff", "machine m is still on 60 s after its power was cut"),
        (Machine("off"), "poweron", "machine m is still off 60 s after it was powered on"),
        (Machine("on"), "shutdown", "its operating system may ignore the power button (poweroff cuts the power)"),
        (Machine("on", "off"), "reset", "machine m is off 60 s after its reset"),
        (Machine("on", BUSY), "poweroff", "was not seen to be off after poweroff: the controller is busy"),
    ],
)
def test_what_does_not_come_about_is_told_in_time(machine: Machine, action: str, why: str, clock: Clock) -> None:
    with pytest.raises(errors.PowerError) as caught:
        steps.carry_out(machine, action, 60, asker=clock.asker(60))
    assert why in str(caught.value)
    assert clock.now == 60
    assert machine.asked == [action]


def test_what_is_so_already_is_not_asked_for() -> None:
    machine = Machine("off")
    assert steps.carry_out(machine, "shutdown", timeout=1)["changed"] is False
    assert machine.asked == []


def test_when_somebody_else_was_faster_nothing_was_changed() -> None:
    machine = Machine("on", "off", refusal=errors.PowerError("it is not running"))
    assert steps.carry_out(machine, "poweroff", timeout=1)["changed"] is False


@pytest.mark.parametrize("action", ["poweroff", "reset"])
def test_a_refusal_is_passed_on(action: str) -> None:
    with pytest.raises(errors.PowerError, match="it is locked"):
        steps.carry_out(Machine("on", refusal=errors.PowerError("it is locked")), action, timeout=1)


def test_check_mode_asks_for_nothing() -> None:
    machine = Machine("on")
    done = steps.carry_out(machine, "poweroff", timeout=1, check_mode=True)
    assert (done["changed"], done["power_state"], machine.asked) == (True, "off", [])


def test_a_call_that_hangs_is_left_behind() -> None:
    begin = time.monotonic()
    with pytest.raises(errors.PowerError, match="too late"):
        steps.bounded(lambda: time.sleep(5), 0.2, "too late")
    assert time.monotonic() - begin < 2
    with pytest.raises(ZeroDivisionError):
        steps.bounded(lambda: 1 / 0, 1, "")


def trouble(kind: str, after: float = 0.0) -> again.Trouble:
    return again.Trouble(f"it is {kind}", kind, after)


@pytest.mark.parametrize(
    ("kind", "unheard", "heard"),
    [
        (again.BUSY, (60, 15), (60, 15)),
        (again.ABSENT, (3, 3), (60, 15)),
        (again.LOST, (3, 3), (60, 15)),
        (again.DENIED, (0, 1), (3, 3)),
        (again.REFUSED, (0, 1), (0, 1)),
    ],
)
def test_how_long_a_machine_is_asked(
    kind: str, unheard: tuple[float, int], heard: tuple[float, int], clock: Clock
) -> None:
    """A kind of trouble, and for a machine that never answered and for one that did: seconds, and questions."""
    for seconds, questions in (unheard, heard):
        asker, asked = clock.asker(60), []
        asker.heard = (seconds, questions) == heard and heard != unheard
        begin = clock.now

        def question(asked: list[int] = asked) -> None:
            asked.append(1)
            raise trouble(kind)

        with pytest.raises(again.Trouble, match=f"it is {kind}"):
            asker.ask(question)
        assert (clock.now - begin, len(asked)) == (seconds, questions)


def test_a_machine_that_was_never_heard_has_its_patience_only(clock: Clock) -> None:
    def question() -> None:
        clock.now += 15
        raise trouble(again.LOST)

    with pytest.raises(again.Trouble):
        clock.asker(300, patience=20).ask(question)
    assert clock.now == 15


@pytest.mark.case("f35")
def test_a_slow_machine_has_longer_pauses_and_a_fast_one_decent_ones(clock: Clock) -> None:
    def look() -> bool:
        clock.now += 3
        return clock.now > 30

    assert clock.asker(300, distance=2).until(look)
    assert set(clock.slept) == {3}
    clock.slept.clear()
    assert not clock.asker(12, distance=2).until(lambda: False)
    assert len(clock.slept) == 9


def test_what_was_lost_to_trouble_is_missing_at_the_end(clock: Clock) -> None:
    machine = Machine(*[BUSY] * 4, "on")
    with pytest.raises(errors.PowerError, match="is still on 48 s after its power was cut"):
        steps.carry_out(machine, "poweroff", 60, asker=clock.asker(60))
    assert clock.now == 60
