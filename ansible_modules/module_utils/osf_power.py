"""What every power module does: look, act once, and wait until the machine is seen to be as it was asked to be.

A machine is an object with a ``name`` for people, ``state()`` (``on`` or ``off``), ``act(action)``, ``facts()`` and
``close()``; what it can't do it says by a `PowerError`.
"""

from __future__ import annotations

import threading
import time

GOALS = {"poweron": "on", "poweroff": "off", "shutdown": "off", "reset": "on"}
"""Action → the state that it ends in."""

LATE = {
    "poweron": "is still off %d s after it was powered on",
    "poweroff": "is still on %d s after its power was cut",
    "shutdown": "is still on %d s after it was asked to shut down: its operating system may ignore the power button "
    "(poweroff cuts the power)",
    "reset": "is off %d s after its reset",
}

ARGUMENTS = {
    "state": {"type": "str", "required": True, "choices": list(GOALS)},
    "timeout": {"type": "int", "default": 300},
    "connect_timeout": {"type": "int", "default": 20},
}
"""The options that all power modules have."""

FIRST_LOOK, LAST_LOOK = 0.2, 1.0
"""Seconds between two looks at a machine: at first, and after some time."""


class PowerError(Exception):
    """What was asked can't be done; the message is a sentence."""


def bounded(call, seconds, late):
    """Return what ``call()`` returns; raise `PowerError` with the words ``late`` when that takes too long.

    A library that waits in C code can't be interrupted, so the call is left behind in a thread that ends with us.

    >>> bounded(lambda: 7, 1, "too late")
    7
    """
    answers, errors = [], []

    def work():
        try:
            answers.append(call())
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise PowerError(late)
    return answers[0]


def carry_out(machine, action, timeout, check_mode=False):
    """Do what is asked unless it is so already, wait until it is seen to be so, and return what happened.

    Raises:
        PowerError: it can't be done, or it was not seen within ``timeout`` seconds.
    """
    previous, goal = machine.state(), GOALS[action]
    if action == "reset" and previous == "off":
        raise PowerError("%s is off, so there is nothing to reset (poweron starts it)" % machine.name)
    done = {"changed": action == "reset" or previous != goal, "previous_state": previous, "power_state": goal}
    begin = time.monotonic()
    if done["changed"] and not check_mode:
        try:
            machine.act(action)
        except PowerError:
            if action == "reset" or not _is_there(machine, goal):
                raise
            done["changed"] = False  # somebody else was faster
        _await(machine, action, begin, timeout)
    return dict(done, waited=round(time.monotonic() - begin, 2))


def _is_there(machine, goal):
    try:
        return machine.state() == goal
    except PowerError:
        return False


def _await(machine, action, begin, timeout):
    """Look until the machine is as it should be; one that does not answer for a moment is asked again."""
    pause = FIRST_LOOK
    while True:
        trouble = ""
        try:
            if machine.state() == GOALS[action]:
                return
        except PowerError as error:
            trouble = "; the last look failed: %s" % error
        if time.monotonic() - begin >= timeout:
            raise PowerError("%s %s%s" % (machine.name, LATE[action] % timeout, trouble))
        time.sleep(pause)
        pause = min(pause * 1.5, LAST_LOOK)


def run(module, machine):
    """Do what the module's options ask of a machine, and end the module."""
    wanted = module.params["state"]
    try:
        done = carry_out(machine, wanted, module.params["timeout"], module.check_mode)
        done.update(machine.facts())
    except PowerError as error:
        module.fail_json(msg=str(error))
    finally:
        machine.close()
    if module._diff:
        done["diff"] = {side: {"power_state": done[key]} for side, key in _SIDES.items()}
        if wanted == "reset" and done["changed"]:
            done["diff"]["after"]["reset"] = True
    module.exit_json(**done)


_SIDES = {"before": "previous_state", "after": "power_state"}
