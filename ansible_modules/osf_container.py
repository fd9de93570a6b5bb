#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Start, stop, restart or kill a container of docker or podman."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_container
short_description: Start, terminate, restart or kill a container of docker or podman
description:
  - The container is the one with exactly this name, running or not.
  - If a systemd unit runs the container, as with kolla, EDPM and podman, the module starts and stops the unit,
    as systemd would revert a change to the container alone. V(kill) acts on the container itself.
  - V(terminate) leaves a record on the host, so that healing the host starts the container again. V(start) and
    V(restart) remove the record.
  - Units that systemd stopped with the container when it was terminated are started with it.
  - A paused container is resumed before it is stopped or killed.
version_added: "1.0.0"
options:
  container:
    description: Name of the container.
    type: str
    required: true
  engine:
    description: The container engine; with V(auto) the engine that has the container.
    type: str
    choices: [auto, docker, podman]
    default: auto
  subject:
    description: Name of the target, for messages and the record.
    type: str
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
requirements: [docker or podman]
author: [The os_faults authors (@os-faults)]
"""

EXAMPLES = r"""
- name: Restart nova_api
  osf_container:
    container: nova_api
    subject: nova_api container
    action: restart

- name: Kill all its processes
  osf_container:
    container: nova_api
    engine: podman
    subject: nova_api container
    action: kill
    timeout: 30
"""

RETURN = r"""
state:
  description: V(active) if the container runs, else V(inactive).
  returned: success
  type: str
  sample: active
status:
  description: State of the container in the words of the engine.
  returned: success
  type: str
  sample: running
units:
  description: The unit of the container; without a unit its own name.
  returned: success
  type: list
  elements: str
  sample: [kolla-nova_api-container.service]
pids_before:
  description: Process ids of the container before the action, as the host numbers them.
  returned: success
  type: list
  elements: int
  sample: [811]
pids_after:
  description: Process ids after the action; in check mode those before.
  returned: success
  type: list
  elements: int
  sample: [907]
notes:
  description: Sentences for a person.
  returned: success
  type: list
  elements: str
  sample: ["systemd restarts kolla-nova_api-container.service"]
"""

import re
import time
from typing import Any, Sequence

from ansible.module_utils.os_faults import errors, service_module
from ansible.module_utils.os_faults.hold import recorded, terminated
from ansible.module_utils.os_faults.host import proc, supervisor, text
from ansible.module_utils.os_faults.module import Module
from ansible.module_utils.os_faults.service import containers, dependants, systemd

SETTLE = 0.3
"""Seconds for which a started container must run."""


_SYSTEMCTL = ("systemctl", "--no-ask-password")


class Target(service_module.Target):
    """The container. All changes to it are made here."""

    def __init__(self, module: Module) -> None:
        self.subject = module.params["subject"]
        super().__init__(module, self.subject)
        self.container = containers.find(module.run_command, module.params["container"], module.params["engine"])
        self.unit = containers.unit_of(module.run_command, self.container)

    def refresh(self) -> None:
        """Read the state of the container again."""
        self.container = containers.find(self.module.run_command, self.container.name, self.container.engine)

    def pids(self) -> list[int]:
        """Return its process ids, as of the last `refresh`."""
        return self.container.pids

    def answer(self, pids: list[int]) -> dict[str, Any]:
        """Return the state of the container."""
        return {
            "state": "active" if self.container.runs else "inactive",
            "status": self.container.status,
            "units": [self.unit or self.container.name],
        }

    def dependants(self) -> dependants.Dependants:
        """Return what systemd stops together with the container."""
        return dependants.of(self.module.run_command, [self.unit]) if self.unit else dependants.Dependants()

    def stopped_with_it(self) -> list[str]:
        """Return the units that systemd stopped when the container was terminated, and that are still down."""
        return dependants.down(self.module.run_command, terminated.stopped_with(self.subject))

    def start_again(self) -> None:
        """Start what systemd stopped when the container was terminated."""
        down = self.stopped_with_it()
        if down:
            self.run([*_SYSTEMCTL, "start", "--", *down])

    def command(self, verb: str, also: Sequence[str] = ()) -> list[str]:
        """Return the command that starts, stops or restarts the container, or its unit if it has one.

        Args:
            verb: ``start``, ``stop`` or ``restart``.
            also: further units.
        """
        if self.unit:
            return [*_SYSTEMCTL, verb, "--", self.unit, *also]
        return [self.container.engine, verb, self.container.name]

    def unpause(self) -> None:
        """Resume a paused container; it would neither stop nor die."""
        if self.container.status == "paused":
            self.run([self.container.engine, "unpause", self.container.name])
            self.refresh()

    def ensure_runs(self, verb: str, besides: str = "") -> None:
        """Wait until the container runs, and still runs `SETTLE` seconds later.

        Args:
            verb: what it must do, for the message.
            besides: start time of the old container; the new one must have another.

        Raises:
            Failed: it does not run; the message has the last line of its log.
        """
        while True:
            self.refresh()
            if self.container.status == "running" and self.container.started != besides:
                time.sleep(SETTLE)
                self.refresh()
                if self.container.status == "running":
                    return
                break
            if time.monotonic() >= self.deadline:
                break
            time.sleep(SETTLE)
        raise errors.Failed(
            f"{self.subject} did not {verb} within {self.module.params['timeout']:d} s: "
            f"it is {self.container.status}{self._last_words()}"
        )

    def _last_words(self) -> str:
        code, out, err = self.module.run_command([self.container.engine, "logs", "--tail", "1", self.container.name])
        said = text.last_line(out) or text.last_line(err)
        return f"; its log ends: {said}" if code == 0 and said else ""

    def ensure_stopped(self) -> None:
        """Wait until the container has no process.

        Raises:
            Failed: it has one at the deadline.
        """
        self.refresh()
        while self.container.runs:
            if time.monotonic() >= self.deadline:
                raise errors.Failed(
                    f"{self.subject} did not stop within {self.module.params['timeout']:d} s: "
                    f"it is {self.container.status}"
                )
            time.sleep(SETTLE)
            self.refresh()

    def list_running(self) -> list[str]:
        """Return the command that prints the id of the container while it runs."""
        name = f"name=^{re.escape(self.container.name)}$"
        return [self.container.engine, "ps", "--quiet", "--filter", name, "--filter", "status=running"]

    def restart_note(self) -> str:
        """Return a sentence about the automatic restart of the container."""
        if self.unit:
            facts = systemd.show(self.module.run_command, [self.unit], (*systemd.STATE, "Restart"))[self.unit]
            return f"{self.unit} runs it (Restart={facts.get('Restart', 'no')})"
        if self.container.policy in ("always", "unless-stopped", "on-failure"):
            return f"{self.container.engine} may start it again (restart policy {self.container.policy})"
        return "nothing starts it again"


def start(target: Target) -> tuple[bool, list[str]]:
    """Start the container and what systemd stopped with it, as far as they do not run."""
    idle = target.container.status != "running"
    down = [target.container.name] * idle + target.stopped_with_it()
    if target.module.check_mode:
        return bool(down), ["would start " + ", ".join(down)] * bool(down)
    if idle:
        target.unpause()
        target.run(target.command("start"))
        target.ensure_runs("start")
    target.start_again()
    recorded.close(target.module, "terminate", target.subject)
    return bool(down), []


def terminate(target: Target) -> tuple[bool, list[str]]:
    """Stop the container, and leave a record with the command that starts it again."""
    if not target.container.runs:
        return False, []
    along = target.dependants()
    if target.module.check_mode:
        return True, ["would stop " + target.container.name, *along.notes]
    recorded.record_change(
        target.module,
        fault="terminate",
        subject=target.subject,
        state="terminated",
        by=target.module.params["by"],
        undo=[target.command("start", along.units)],
        files={terminated.STOPPED_WITH: along.listed},
        ended=target.list_running(),
    )
    target.unpause()
    target.run(target.command("stop"))
    target.ensure_stopped()
    return True, along.notes


def restart(target: Target) -> tuple[bool, list[str]]:
    """Restart the container, or start it if it does not run."""
    if target.module.check_mode:
        also = target.stopped_with_it()
        return True, ["would restart " + target.container.name, *["would start " + ", ".join(also)] * bool(also)]
    before = target.container.started
    target.unpause()
    target.run(target.command("restart"))
    target.ensure_runs("restart", before)
    target.start_again()
    recorded.close(target.module, "terminate", target.subject)
    return True, []


def kill(target: Target) -> tuple[bool, list[str]]:
    """Kill every process of the container, and wait until each is gone."""
    victims = proc.identify(target.container.pids)
    if not victims:
        raise errors.Failed(f"nothing to kill: {target.subject} is {target.container.status} on this host")
    if target.module.check_mode:
        return True, ["would kill " + ", ".join(str(each.pid) for each in victims), target.restart_note()]
    target.unpause()
    target.run([target.container.engine, "kill", "--signal", "KILL", target.container.name])
    target.await_gone(victims)
    target.refresh()
    return True, [target.restart_note()]


ACTIONS = {"start": start, "terminate": terminate, "restart": restart, "kill": kill}


def find(module: Module) -> Target:
    """Return the container that the options name."""
    supervisor.doing(f"asking for container '{module.params['container']}'")
    return Target(module)


def main() -> None:
    """Run the module."""
    module = Module(
        argument_spec={
            "container": {"type": "str", "required": True},
            "engine": {"type": "str", "choices": ["auto", "docker", "podman"], "default": "auto"},
            "subject": {"type": "str", "required": True},
            **service_module.OPTIONS,
        },
        supports_check_mode=True,
    )
    module.run_command_environ_update = systemd.ENVIRONMENT
    service_module.run(module, find, ACTIONS)


if __name__ == "__main__":
    supervisor.run(main)
