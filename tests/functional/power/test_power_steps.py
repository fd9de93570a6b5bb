"""`power.steps`: what all power modules do, on machines that behave as real ones do at their worst."""

from __future__ import annotations

import doctest
import sys
import time
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.power import libvirt, steps
from support.module_files import load

pytestmark = pytest.mark.functional


class Machine:
    """Answers ``states`` one after another, the last for ever; an error among them is raised."""

    name = "machine m"

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


BUSY = errors.PowerError("the controller is busy")


@pytest.mark.parametrize(
    "tested", [steps, libvirt, *map(load, ("osf_ipmi_power", "osf_libvirt_snapshot", "osf_redfish_power"))]
)
def test_the_examples_of_the_docstrings(tested: ModuleType) -> None:
    assert doctest.testmod(tested).failed == 0


def test_a_missing_extra_is_told_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    class Module:
        def fail_json(self, msg: str, **more: Any) -> None:
            told.append(msg)
            raise SystemExit

    monkeypatch.setattr(libvirt, "libvirt", None)
    monkeypatch.setattr(libvirt, "LIBVIRT_TRACEBACK", "", raising=False)
    with pytest.raises(SystemExit):
        libvirt.require(Module())
    here = f"libvirt is missing for {sys.executable} on this host"
    assert told == [f"{here}; install it there: pip install 'os-faults[libvirt]'"]


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


def test_it_waits_for_what_it_sees_also_while_nobody_answers() -> None:
    machine = Machine("on", "on", BUSY, "off")
    done = steps.carry_out(machine, "poweroff", timeout=5)
    assert machine.asked == ["poweroff"]
    assert (done["changed"], done["previous_state"], done["power_state"]) == (True, "on", "off")
    assert 0.4 < done["waited"] < 2


@pytest.mark.parametrize(
    ("machine", "action", "why"),
    [
        (Machine("on"), "poweroff", "machine m is still on 1 s after its power was cut"),
        (Machine("off"), "poweron", "machine m is still off 1 s after it was powered on"),
        (Machine("on"), "shutdown", "its operating system may ignore the power button (poweroff cuts the power)"),
        (Machine("on", "off"), "reset", "machine m is off 1 s after its reset"),
        (Machine("on", BUSY), "poweroff", "power was cut; the last look failed: the controller is busy"),
    ],
)
def test_what_does_not_come_about_is_told_in_time(machine: Machine, action: str, why: str) -> None:
    begin = time.monotonic()
    with pytest.raises(errors.PowerError) as caught:
        steps.carry_out(machine, action, timeout=1)
    assert why in str(caught.value)
    assert 1 <= time.monotonic() - begin < 3
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
