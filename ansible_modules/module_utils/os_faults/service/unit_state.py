"""What the properties of systemd units mean: their state, and what systemd does next. All of it is pure."""

from __future__ import annotations

import json
from typing import Mapping

from ansible.module_utils.os_faults.service import systemd

RANKED = ("failed", "inactive", "deactivating", "activating", "maintenance", "refreshing", "reloading", "active")
"""Active states, the least active one first."""

RESTARTS_AFTER_SIGKILL = ("always", "on-failure", "on-abnormal", "on-abort")
"""The values of ``Restart`` with which systemd restarts a unit whose processes were killed."""

PATIENCE = 2
"""Longest restart delay, in seconds, that is waited for."""


def state_of(facts: Mapping[str, Mapping[str, str]]) -> str:
    """Return the least active state of the units."""
    states = {each["ActiveState"] for each in facts.values()}
    return min(states, key=lambda state: RANKED.index(state) if state in RANKED else 0)


def is_started(fact: Mapping[str, str]) -> bool:
    """Return whether a unit has started: it is active, or a one-shot unit that has succeeded."""
    if fact["ActiveState"] in ("active", "reloading", "refreshing"):
        return True
    return fact["Type"] == "oneshot" and fact["ActiveState"] == "inactive" and fact["Result"] == "success"


def restart_note(unit: str, fact: Mapping[str, str]) -> str:
    """Return a sentence about the reaction of systemd to killed processes of a unit."""
    settings = f"Restart={fact['Restart']}"
    if fact["Restart"] in RESTARTS_AFTER_SIGKILL:
        return f"systemd restarts {unit} ({settings}, RestartUSec={fact['RestartUSec']})"
    return f"{unit} stays down ({settings})"


def due_at_once(fact: Mapping[str, str]) -> bool:
    """Return whether systemd will restart a unit within `PATIENCE`."""
    return fact["SubState"] == "auto-restart" and systemd.seconds(fact["RestartUSec"]) <= PATIENCE


def describe(unit: str, fact: Mapping[str, str]) -> str:
    """Return a sentence about the state of a unit, in the words of systemd."""
    sub = "" if fact["SubState"] in (fact["ActiveState"], "dead", "running") else f" ({fact['SubState']})"
    result = "" if fact["Result"] in ("", "success") else f", result {fact['Result']}"
    return f"{unit} is {fact['ActiveState']}{sub}{result}"


def last_words(journal: str) -> list[str]:
    """Return the last two messages of a journal in JSON lines; messages of systemd only if there are no others."""
    entries = [json.loads(line) for line in journal.splitlines() if line.startswith("{")]
    entries = [each for each in entries if isinstance(each.get("MESSAGE"), str)]
    own = [each for each in entries if each.get("_PID") != "1"]
    return [each["MESSAGE"].strip() for each in (own or entries)[-2:]]
