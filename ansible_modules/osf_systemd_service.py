#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Start, stop, restart or kill a service that is made of systemd units."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_systemd_service
short_description: Start, terminate, restart or kill a service made of systemd units
description:
  - Acts on all units of a service in one call, and returns the process ids before and after.
  - V(start) and V(restart) wait until every unit is active. V(terminate) runs C(systemctl stop) and waits until every
    unit is down. Sockets, paths and timers that could start the service again are stopped with it, and started with
    it if they are enabled.
  - V(kill) sends SIGKILL to every process in the control groups of the units and waits until each of them is gone, by
    pid and start time. RV(notes) contains the reaction of systemd.
  - V(terminate) leaves a record on the host, so that healing the host starts the service again. V(start) and
    V(restart) remove the record.
version_added: "1.0.0"
options:
  name:
    description: Name of the service, for messages and the record.
    type: str
    required: true
  units:
    description:
      - Names and shell patterns of units, in order of preference. All units that match the first matching pattern
        are the service. Aliases are resolved.
      - A name without a suffix gets C(.service).
    type: list
    elements: str
    required: true
  action:
    description: The action.
    type: str
    required: true
    choices: [start, terminate, restart, kill]
  timeout:
    description: Seconds after which an action without the expected effect is a failure.
    type: int
    default: 300
  by:
    description: The owner, for the record. By default the user and the address of the session.
    type: str
  force:
    description: Whether to act on a host with faults of other owners.
    type: bool
    default: false
attributes:
  check_mode:
    description: Reports what it would do and changes nothing.
    support: full
  diff_mode:
    description: The module compares no texts.
    support: none
requirements: [systemd]
author: [The os_faults authors (@os-faults)]
"""

EXAMPLES = r"""
- name: Restart keystone
  osf_systemd_service:
    name: keystone
    units: [devstack@keystone.service, keystone.service]
    action: restart

- name: Kill all conductors at once
  osf_systemd_service:
    name: nova-conductor
    units: [devstack@n-*cond*.service, nova-conductor.service]
    action: kill
    timeout: 30
"""

RETURN = r"""
state:
  description: The active state of the units; of several units the least active one.
  returned: success
  type: str
  sample: active
units:
  description: Ids of the units of the service on this host.
  returned: success
  type: list
  elements: str
  sample: [devstack@keystone.service]
pids_before:
  description: Process ids of the service before the action.
  returned: success
  type: list
  elements: int
  sample: [811, 815]
pids_after:
  description: Process ids after the action; in check mode those before.
  returned: success
  type: list
  elements: int
  sample: [907, 911]
notes:
  description: Sentences for a person.
  returned: success
  type: list
  elements: str
  sample: ["systemd restarts devstack@keystone.service (Restart=always, RestartUSec=100ms)"]
"""

import os
import subprocess
import time
from typing import Any, Iterable, Mapping

from ansible.module_utils.os_faults import errors, service_module
from ansible.module_utils.os_faults.hold import recorded, terminated
from ansible.module_utils.os_faults.host import proc, supervisor
from ansible.module_utils.os_faults.module import Module
from ansible.module_utils.os_faults.service import dependants, resolve, systemd, unit_state

PROPERTIES = ("Type", "Restart", "RestartUSec", "KillMode", "TriggeredBy", "UnitFileState")
SETTLE = 0.3
"""Seconds of wait for a unit whose type does not report the result of its start."""


class Units(service_module.Target):
    """The units of a service. All changes to them are made here."""

    def __init__(self, module: Module) -> None:
        self.name = module.params["name"]
        super().__init__(module, f"service '{self.name}'")
        self.began = time.time()
        self.facts = resolve.find_units(module, module.params["units"], self.name, PROPERTIES)
        self.triggers = self._show({name for each in self.facts.values() for name in each["TriggeredBy"].split()})

    def _show(self, names: Iterable[str]) -> dict[str, Mapping[str, str]]:
        asked = (*systemd.STATE, "ControlGroup", *PROPERTIES)
        return systemd.by_id(systemd.show(self.module.run_command, names, asked))

    def refresh(self) -> None:
        """Read the state of the units again."""
        self.facts = self._show(self.facts)

    def answer(self, pids: list[int]) -> dict[str, Any]:
        """Return the state of the units."""
        return {"state": unit_state.state_of(self.facts), "units": list(self.facts)}

    def pids(self) -> list[int]:
        """Return the process ids in the control groups of the units."""
        return resolve.pids_of(self.facts)

    def refuse_masked(self) -> None:
        """Refuse to start units that are masked."""
        masked = [unit for unit, each in self.facts.items() if each["LoadState"] == "masked"]
        if masked:
            raise errors.Failed(
                f"service '{self.name}' can't be started: {masked[0]} is masked on this host; unmask it first"
            )

    def idle_triggers(self) -> list[str]:
        """Return the units that are down and enabled, and start the service on demand."""
        return [
            unit
            for unit, each in self.triggers.items()
            if each["ActiveState"] in dependants.DOWN and each["UnitFileState"].startswith("enabled")
        ]

    def stopped_with_it(self) -> list[str]:
        """Return the units that systemd stopped when the service was terminated, and that are still down."""
        return dependants.down(self.module.run_command, terminated.stopped_with(self.name))

    def forget_failures(self) -> None:
        """Reset failed units, as systemd refuses to start a unit that has failed too often."""
        failed = [unit for unit, each in self.facts.items() if each["ActiveState"] == "failed"]
        if failed:
            self.systemctl("reset-failed", failed)

    def systemctl(self, verb: str, units: Iterable[str]) -> str:
        """Run ``systemctl VERB UNITS``, which waits for its jobs, but not beyond the deadline.

        Returns:
            Its output if it failed, else "". After a timeout it is "" too: the jobs go on, and the state of the
            units shows their result.
        """
        command = ["systemctl", "--no-pager", "--no-ask-password", verb, "--", *units]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=dict(os.environ, **systemd.ENVIRONMENT),
                timeout=max(0.1, self.deadline - time.monotonic()),
                check=False,
            )
        except subprocess.TimeoutExpired:
            return ""
        return done.stdout.decode("utf-8", "replace").strip() if done.returncode else ""

    def ensure_started(self, complaint: str) -> None:
        """Wait until each unit has started.

        Raises:
            Failed: a unit has not; the message has its state and the end of its journal.
        """
        if any(each["Type"] in ("simple", "idle", "exec") for each in self.facts.values()):
            time.sleep(SETTLE)
        self.refresh()
        bad = [unit for unit, each in self.facts.items() if not unit_state.is_started(each)]
        if not bad and not complaint:
            return
        told = "; ".join(unit_state.describe(unit, self.facts[unit]) for unit in bad) or complaint
        late = self._late()
        words = self._journal(bad[0]) if bad else []
        journal = f"; its journal ends: {' / '.join(words)}" if words else ""
        raise errors.Failed(f"service '{self.name}' did not start{late}: {told}{journal}")

    def ensure_stopped(self, complaint: str) -> None:
        """Raise `Failed` if a unit is not down."""
        self.refresh()
        left = [
            unit_state.describe(unit, each)
            for unit, each in self.facts.items()
            if each["ActiveState"] not in dependants.DOWN
        ]
        if left:
            why = "; ".join([*left, complaint] if complaint else left)
            raise errors.Failed(f"service '{self.name}' did not stop{self._late()}: {why}")

    def _late(self) -> str:
        """Return the words of a message about the timeout; empty before the deadline."""
        return f" within {self.module.params['timeout']:d} s" if time.monotonic() >= self.deadline else ""

    def _journal(self, unit: str) -> list[str]:
        since = f"--since=@{int(self.began):d}"
        code, out, _err = self.module.run_command(
            ["journalctl", "--no-pager", "--quiet", "--unit", unit, since, "--lines=20", "--output=json"]
        )
        return [] if code else unit_state.last_words(out)

    def await_restart(self) -> None:
        """Wait for systemd to restart killed units, so that the answer contains the new processes."""
        until = min(time.monotonic() + unit_state.PATIENCE + 1, self.deadline)
        self.refresh()
        while time.monotonic() < until and any(unit_state.due_at_once(each) for each in self.facts.values()):
            time.sleep(0.1)
            self.refresh()


def start(units: Units) -> tuple[bool, list[str]]:
    """Start the units that are down."""
    down = [unit for unit, each in units.facts.items() if each["ActiveState"] != "active"]
    also = units.stopped_with_it()
    if not down and not also:
        recorded.close(units.module, "terminate", units.name)
        return False, []
    units.refuse_masked()
    wanted = (units.idle_triggers() if down else []) + down + also
    if units.module.check_mode:
        return True, ["would start " + ", ".join(wanted)]
    units.forget_failures()
    units.ensure_started(units.systemctl("start", wanted))
    recorded.close(units.module, "terminate", units.name)
    return True, []


def restart(units: Units) -> tuple[bool, list[str]]:
    """Restart the service, or start it if it is down."""
    units.refuse_masked()
    also = units.stopped_with_it()
    if units.module.check_mode:
        return True, ["would restart " + ", ".join(units.facts), *["would start " + ", ".join(also)] * bool(also)]
    idle = units.idle_triggers()
    units.forget_failures()
    complaint = units.systemctl("start", idle) if idle else ""
    complaint = units.systemctl("restart", list(units.facts)) or complaint
    units.ensure_started(complaint or (units.systemctl("start", also) if also else ""))
    recorded.close(units.module, "terminate", units.name)
    return True, []


_LIST_ACTIVE = ("systemctl", "list-units", "--plain", "--no-legend", "--no-pager", "--state=active", "--")


def terminate(units: Units) -> tuple[bool, list[str]]:
    """Stop the service and the units that would start it, and leave a record with the command that starts them."""
    running = [
        unit for unit, each in {**units.triggers, **units.facts}.items() if each["ActiveState"] not in dependants.DOWN
    ]
    if not running:
        return False, leftover_notes(units)
    along = dependants.of(units.module.run_command, running)
    if units.module.check_mode:
        return True, ["would stop " + ", ".join(running), *along.notes]
    recorded.record_change(
        units.module,
        fault="terminate",
        subject=units.name,
        state="terminated",
        by=units.module.params["by"],
        undo=[["systemctl", "start", "--", *running, *along.units]],
        files={terminated.STOPPED_WITH: along.listed},
        ended=[*_LIST_ACTIVE, *units.facts],
    )
    units.ensure_stopped(units.systemctl("stop", running))
    return True, [*leftover_notes(units), *along.notes]


def leftover_notes(units: Units) -> list[str]:
    """Return notes about processes that outlive the stop of their unit (``KillMode=process`` or ``none``)."""
    return [
        f"{unit} is down, but {', '.join(map(str, left))} left running (KillMode={each['KillMode']})"
        for unit, each in units.facts.items()
        for left in [resolve.pids_of({unit: each})]
        if left
    ]


def kill(units: Units) -> tuple[bool, list[str]]:
    """Kill every process of the service and wait until each is gone.

    systemd itself sends the signal to the whole control group, again and again until there is no new process. So it
    can neither miss a child that is just being forked nor hit a restarted service.
    """
    victims = proc.identify(units.pids())
    if not victims:
        how = "; ".join(unit_state.describe(unit, each) for unit, each in units.facts.items())
        raise errors.Failed(f"nothing to kill: service '{units.name}' has no process on this host ({how})")
    if units.module.check_mode:
        pids = ", ".join(str(victim.pid) for victim in victims)
        return True, ["would kill " + pids] + [unit_state.restart_note(*each) for each in units.facts.items()]
    hit = [unit for unit, each in units.facts.items() if resolve.pids_of({unit: each})]
    command = ["systemctl", "--no-pager", "kill", "--signal=SIGKILL", "--", *hit]
    code, out, err = units.module.run_command(command)
    units.await_gone(victims, complaint=f"; {(err or out).strip()}" if code else "")
    notes = [unit_state.restart_note(unit, units.facts[unit]) for unit in hit] + demand_notes(units)
    units.await_restart()
    return True, notes


def demand_notes(units: Units) -> list[str]:
    """Return notes about the sockets, paths and timers that start the service again on demand."""
    return [
        f"{unit} starts it again on demand" for unit, each in units.triggers.items() if each["ActiveState"] == "active"
    ]


ACTIONS = {"start": start, "terminate": terminate, "restart": restart, "kill": kill}


def find(module: Module) -> Units:
    """Return the units of the options.

    Raises:
        Failed: this user can't act on them.
    """
    supervisor.doing(f"asking systemd for the units of service '{module.params['name']}'")
    units = Units(module)
    if os.geteuid() != 0 and not module.check_mode:
        raise errors.Failed(
            f"units of service '{units.name}' can only be acted on as root, and this task is not run as root; "
            "set become"
        )
    return units


def main() -> None:
    """Run the module."""
    module = Module(
        argument_spec={
            "name": {"type": "str", "required": True},
            "units": {"type": "list", "elements": "str", "required": True},
            **service_module.OPTIONS,
        },
        supports_check_mode=True,
    )
    module.run_command_environ_update = systemd.ENVIRONMENT
    service_module.run(module, find, ACTIONS)


if __name__ == "__main__":
    supervisor.run(main)
