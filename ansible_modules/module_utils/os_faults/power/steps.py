"""The steps of every power module: look, act once, and wait until the machine has the wanted state."""

from __future__ import annotations

import sys
import threading
from typing import Any, Callable, Container, Mapping, Protocol, Sequence, TypeVar

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.power import again

T = TypeVar("T")

GOALS = {"poweron": "on", "poweroff": "off", "shutdown": "off", "reset": "on"}
"""Action → the state that it ends in. ``status`` is no action: it only looks."""

LATE = {
    "poweron": "is still off {:d} s after it was powered on",
    "poweroff": "is still on {:d} s after its power was cut",
    "shutdown": "is still on {:d} s after it was asked to shut down: its operating system may ignore the power button "
    "(poweroff cuts the power)",
    "reset": "is off {:d} s after its reset",
}

REPEATABLE = ("poweron", "poweroff")
"""Actions that do no harm when they happen twice; others are sent again only when they surely have not happened."""


class Machine(Protocol):
    """A machine that is powered on and off. It raises a `PowerError` for what it can't do.

    Attributes:
        name: what it is called in sentences.
        patience: seconds in which it must answer.
        distance: seconds between two looks at it while it changes, at most.
    """

    name: str
    patience: int
    distance: float

    def state(self) -> str:
        """Return ``on`` or ``off``."""

    def act(self, action: str) -> None:
        """Begin one of the `GOALS`; it need not have ended when this returns."""


def bounded(call: Callable[[], T], seconds: float, late: str, kind: str = again.LOST) -> T:
    """Return the value of ``call()``; raise `Trouble` of a kind with the message ``late`` when that takes too long.

    A library that waits in C code can't be interrupted, so the call goes on in a thread that ends with this process.

    >>> bounded(lambda: 7, 1, "too late")
    7
    """
    answers: list[T] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            answers.append(call())
        except BaseException as error:  # noqa: BLE001 - raised again below
            raised.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    if not answers:
        raise again.Trouble(late, kind)
    return answers[0]


def missing(library: str, package: str) -> str:
    """Return a sentence with the missing Python package, its Python, and the command that installs it.

    Args:
        library: its name in Python.
        package: what pip is told.
    """
    return f"{library} is missing for {sys.executable} on this host; install it there: pip install {package!r}"


def plain_mac(mac: str) -> str:
    """Return a MAC address in the form that is compared.

    >>> plain_mac("52-54-00-AA-00-01")
    '52:54:00:aa:00:01'
    """
    return mac.strip().lower().replace("-", ":")


def with_macs(wanted: Sequence[str], machines: Mapping[str, Container[str]]) -> tuple[list[str], list[str]]:
    """Return the names of the machines that have one of the MAC addresses, and those of the addresses that they have.

    All addresses count: a node may report any address, so one address does not identify the machine.

    Args:
        wanted: MAC addresses.
        machines: name of a machine -> its MAC addresses.

    >>> with_macs(["52:54:00:00:00:01", "52:54:00:00:00:02"], {"vm-1": {"52:54:00:00:00:02"}, "vm-2": set()})
    (['vm-1'], ['52:54:00:00:00:02'])
    """
    found = {name: [mac for mac in wanted if mac in macs] for name, macs in machines.items()}
    hit = {mac for macs in found.values() for mac in macs}
    return sorted(name for name, macs in found.items() if macs), [mac for mac in wanted if mac in hit]


def carry_out(
    machine: Machine, action: str, timeout: int, check_mode: bool = False, asker: again.Asker | None = None
) -> dict[str, Any]:
    """Perform the action unless the machine has the wanted state already, wait for that state, and return the result.

    A machine that is busy or does not answer for a moment is asked again until ``timeout`` seconds have passed.

    Raises:
        PowerError: it can't be done, or it was not seen in time.
    """
    asker = asker or again.Asker(timeout, machine.patience, machine.distance)
    previous = asker.ask(machine.state)
    goal = GOALS.get(action, previous)
    if action == "reset" and previous == "off":
        raise _nothing_to_reset(machine)
    done = {"changed": action == "reset" or previous != goal, "previous_state": previous, "power_state": goal}
    begin = asker.clock()
    if done["changed"] and not check_mode:
        left = asker.restart(timeout)
        done["changed"] = _Act(machine, action).done(asker)
        _await(machine, action, left, asker)
    return dict(done, waited=round(asker.clock() - begin, 2))


def _nothing_to_reset(machine: Machine) -> errors.PowerError:
    return errors.PowerError(f"{machine.name} is off, so there is nothing to reset (poweron starts it)")


class _Act:
    """An action that is asked for until it is accepted; before each further time the machine is looked at."""

    def __init__(self, machine: Machine, action: str) -> None:
        self.machine = machine
        self.action = action
        self.tried = False
        self.ours = False

    def done(self, asker: again.Asker) -> bool:
        """Request the action, and return whether it changed the machine; False when somebody else was faster.

        Raises:
            PowerError: the machine does not do it.
        """
        try:
            asker.ask(self._step)
        except errors.PowerError:
            if self.action == "reset" or not _is_there(self.machine, GOALS[self.action]):
                raise
        return self.ours

    def _step(self) -> None:
        if self.tried and self._is_settled():
            return
        self.tried = True
        try:
            self.machine.act(self.action)
        except again.Trouble as trouble:
            if trouble.kind != again.LOST:
                raise
            self.ours = True
            if self.action == "reset":
                raise errors.PowerError(f"{trouble}; the reset may have happened, so it is not sent again") from trouble
            if self.action in REPEATABLE:
                raise
            return  # what is seen of the machine decides
        self.ours = True

    def _is_settled(self) -> bool:
        """Look at the machine, and return whether there is nothing left to ask for."""
        state = self.machine.state()
        if self.action == "reset":
            if state == "off":
                raise _nothing_to_reset(self.machine)
            return False
        return state == GOALS[self.action]


def _is_there(machine: Machine, goal: str) -> bool:
    try:
        return machine.state() == goal
    except errors.PowerError:
        return False


def _await(machine: Machine, action: str, seconds: float, asker: again.Asker) -> None:
    """Look until the machine has the wanted state; ``seconds`` is the time that it had, for the sentence."""
    goal = GOALS[action]
    try:
        seen = asker.until(lambda: machine.state() == goal)
    except again.Trouble as trouble:
        raise errors.PowerError(f"{machine.name} was not seen to be {goal} after {action}: {trouble}") from trouble
    if not seen:
        raise errors.PowerError(f"{machine.name} {LATE[action].format(round(seconds))}")
