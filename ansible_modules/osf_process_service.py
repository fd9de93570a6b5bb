#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Start, stop, restart or kill a service that is a program of its own."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_process_service
short_description: Start, terminate, restart or kill a service without a service manager
description:
  - For services without a service manager, or with their own commands. Needs neither root nor systemd.
  - One of O(pidfile), O(executable), O(grep) and O(units) identifies the service. All processes that it has started
    belong to it. A pid file that is older than the process with its pid is stale, and the service is down. Editors,
    pagers, shells with C(-c) and other tools that only mention the program on their command line do not count, nor do
    this module and its parents.
  - V(start) runs O(start) or O(start_cmd) in a new session and waits until the service runs. Its output goes to a log
    beside the pid file, or to C(/var/log/os-faults-NAME.log) if other users can replace that log. With O(start) the
    module writes the pid file if the program does not. A service that ran as another user is started as that user.
  - If another user can change the pid file, it may name only processes that this user could end.
  - V(terminate) runs O(terminate_cmd), or sends SIGTERM to every process of the service, and waits until each is gone.
    It leaves a record on the host, so that healing the host starts the service again. V(start) and V(restart) remove
    the record.
  - V(kill) sends SIGKILL, and leaves no record.
version_added: "1.0.0"
options:
  name:
    description: Name of the service, for messages and the record.
    type: str
    required: true
  pidfile:
    description: Absolute path of the pid file.
    type: path
  executable:
    description: Absolute path of the program, or of the script of an interpreter.
    type: path
  grep:
    description: Extended regular expression that matches the command line, with its words joined by spaces.
    type: str
  units:
    description: Names and shell patterns of systemd units in order of preference, as M(osf_systemd_service) takes them.
    type: list
    elements: str
  start:
    description: Program and arguments. O(start) or O(start_cmd) is required for every action that starts the service.
    type: list
    elements: str
  start_cmd:
    description: Shell command that starts the service.
    type: str
  terminate_cmd:
    description: Shell command that stops the service.
    type: str
  restart_cmd:
    description: Shell command that restarts the service; without it the module stops and starts the service.
    type: str
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
author: [The os_faults authors (@os-faults)]
"""

EXAMPLES = r"""
- name: Start a web server that does not write a pid file
  osf_process_service:
    name: web
    pidfile: /home/me/web/web.pid
    start: [/usr/bin/python3, -m, http.server, "8080"]
    action: start

- name: Kill a service with all its children
  osf_process_service:
    name: rabbitmq
    grep: "beam\\.smp .*rabbitmq_server"
    action: kill
"""

RETURN = r"""
state:
  description: V(active) if the service runs, else V(inactive).
  returned: success
  type: str
  sample: active
units:
  description: The pid file of the service; without one its name.
  returned: success
  type: list
  elements: str
  sample: [/home/me/web/web.pid]
pids_before:
  description: Process ids of the service before the action.
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
  sample: ["nothing starts it again"]
"""

import signal
import subprocess
import time
from typing import Any, Sequence

from ansible.module_utils.os_faults import errors, service_module
from ansible.module_utils.os_faults.hold import recorded, terminated
from ansible.module_utils.os_faults.host import proc, program_log, run_as, supervisor
from ansible.module_utils.os_faults.module import Module
from ansible.module_utils.os_faults.service import launch, programs, resolve, start_script, systemd

GRACE = 0.4
"""Seconds in which a program may write its own pid file, and for which a started process must run."""

HANDLES = (*programs.HANDLES, "units")
"""The options that identify a service."""


class Program(service_module.Target):
    """The program. All changes to it are made here."""

    def __init__(self, module: Module) -> None:
        self.name = module.params["name"]
        super().__init__(module, f"service '{self.name}'")
        self.pidfile = module.params["pidfile"]
        self.definition = {key: module.params[key] for key in HANDLES if module.params[key]}
        shell = module.params["start_cmd"]
        self.argv = ["/bin/sh", "-c", shell] if shell else module.params["start"]
        self.log = program_log.path_of(self.name, self.pidfile)
        self.user: int | None = None

    @property
    def found_by(self) -> str:
        """The failed search, for a message."""
        if self.pidfile:
            return f"{self.pidfile} names no live one"
        handle, value = next(iter(self.definition.items()))
        return f"no process of {handle} {value!r}"

    def units(self) -> list[str]:
        """Return the units of the service; none if something else identifies it."""
        if "units" not in self.definition:
            return []
        return list(resolve.find_units(self.module, self.definition["units"], self.name))

    def pids(self) -> list[int]:
        """Return the process ids of the service; none if it is down."""
        return resolve.processes(self.module, self.definition, self.name, self.user)

    def answer(self, pids: list[int]) -> dict[str, Any]:
        """Return whether the service runs."""
        return {"state": "active" if pids else "inactive", "units": [self.pidfile or self.name]}

    def remember(self) -> None:
        """Store the user of the service, or its user before it was terminated: it is started as that user."""
        user = terminated.user_when_terminated(self.name)
        mains = [] if "units" in self.definition else resolve.mains(self.module, self.definition, self.name, user)
        # With a pid file it is the user who can change the file.
        self.user = mains[0].owner if self.pidfile and mains else terminated.user_of(mains, self.name)
        self.identity = terminated.identity_of(mains, self.name)

    def command(self) -> list[str]:
        """Return the command line that starts the service as its former user."""
        return run_as.command(self.identity, self.argv)

    def require_start(self) -> None:
        """Refuse a service without a command that starts it."""
        if not self.argv:
            raise errors.Failed(
                f"service '{self.name}' can't be started: its definition has no 'start' (or 'start_cmd')"
            )
        if self.command()[0] == run_as.SETPRIV:
            raise errors.Failed(f"service '{self.name}' runs as another user, and can't be started so: no setpriv here")

    def launch(self) -> None:
        """Start the program in a new session, and wait until it runs and its pid file, if any, is written."""
        launch.drop_pidfile(self.pidfile, self.label)
        child = self._spawn(self.command(), "started")
        grace = time.monotonic() + GRACE
        while True:
            ended = child.poll()
            if ended:
                raise errors.Failed(
                    f"service '{self.name}' did not start: exit code {ended:d}{program_log.last_words(self.log)}"
                )
            late = time.monotonic() >= grace
            if late and self.pids():
                return
            if late and ended is None and self.pidfile and not self.module.params["start_cmd"]:
                launch.write_pidfile(self.pidfile, child.pid, self.label)
                return
            if time.monotonic() >= self.deadline:
                raise errors.Failed(
                    f"service '{self.name}' did not start within {self.module.params['timeout']:d} s: "
                    f"its command was run, but {self.found_by}"
                )
            time.sleep(0.02 if self.pidfile else 0.1)

    def relaunch(self) -> None:
        """Run the restart command, and wait until the old processes are gone and new ones run."""
        old = proc.identify(self.before)
        self.user = None  # the command may choose another user
        child = self._spawn(["/bin/sh", "-c", self.module.params["restart_cmd"]], "restarted")
        grace = time.monotonic() + GRACE
        while True:
            ended = child.poll()
            if ended:
                raise errors.Failed(
                    f"service '{self.name}' did not restart: exit code {ended:d}{program_log.last_words(self.log)}"
                )
            # A successful end of the command is the end of the restart; a command that goes on may be the program.
            settled = ended is not None or time.monotonic() >= grace
            if settled and not any(proc.alive(each) for each in old) and self.pids():
                return
            if time.monotonic() >= self.deadline:
                fresh = set(proc.identify(self.pids())) - set(old)
                state = "old processes are still there" if fresh else "no new process is there"
                raise errors.Failed(
                    f"service '{self.name}' did not restart within {self.module.params['timeout']:d} s: "
                    f"its restart_cmd was run, but {state}"
                )
            time.sleep(0.03)

    def _spawn(self, argv: Sequence[str], what: str) -> subprocess.Popen[bytes]:
        output, notes = launch.open_log(self.log)
        self.notes += notes
        return launch.spawn(argv, output, self.pidfile, f"{self.label} can't be {what}")

    def stop(self) -> None:
        """Stop the service by its own command or by SIGTERM, and wait until each process is gone."""
        victims = proc.identify(self.pids())
        if not self.module.params["terminate_cmd"]:
            proc.send(victims, signal.SIGTERM)
            self.await_gone(victims, "got SIGTERM", insist=False)
        else:
            child = self._spawn(["/bin/sh", "-c", self.module.params["terminate_cmd"]], "stopped")
            left = proc.wait_gone(victims, self.deadline)
            if left and child.poll():
                raise errors.Failed(
                    f"service '{self.name}' did not stop: exit code {child.returncode:d}"
                    f"{program_log.last_words(self.log)}"
                )
            self.await_gone(victims, "was asked to stop by its terminate_cmd", insist=False)
        launch.drop_pidfile(self.pidfile, self.label)

    def kill(self) -> None:
        """Kill every process of the service and wait until each of them is gone."""
        victims = proc.identify(self.pids())
        proc.send(victims, signal.SIGKILL)
        self.await_gone(victims, "got SIGKILL")


def start(program: Program) -> tuple[bool, list[str]]:
    """Start the service if it is down."""
    if not program.before:
        program.require_start()
        if program.module.check_mode:
            return True, ["would start " + " ".join(program.argv)]
        program.launch()
    recorded.close(program.module, "terminate", program.name)
    return not program.before, []


def terminate(program: Program) -> tuple[bool, list[str]]:
    """Stop the service, and leave a record with the script that starts it again."""
    if not program.before:
        return False, []
    program.require_start()
    if program.module.check_mode:
        return True, ["would stop " + ", ".join(map(str, program.before))]
    recorded.record_change(
        program.module,
        fault="terminate",
        subject=program.name,
        state="terminated",
        by=program.module.params["by"],
        files={
            "start.sh": start_script.start_script(
                program.command(), program.module.params, program.log, program.units(), program.user
            ),
            "run_as": run_as.dump(program.identity),
            "user": "" if program.user is None else str(program.user),
        },
        undo=[["/bin/sh", "start.sh"]],
    )
    program.stop()
    return True, []


def restart(program: Program) -> tuple[bool, list[str]]:
    """Restart the service by its own command; without one stop and start it."""
    if not program.module.params["restart_cmd"]:
        program.require_start()
    if program.module.check_mode:
        return True, ["would restart " + program.name]
    if program.module.params["restart_cmd"]:
        program.relaunch()
    else:
        if program.before:
            program.stop()
        program.launch()
    recorded.close(program.module, "terminate", program.name)
    return True, []


def kill(program: Program) -> tuple[bool, list[str]]:
    """Kill every process of the service."""
    if not program.before:
        raise errors.Failed(
            f"nothing to kill: service '{program.name}' has no process on this host ({program.found_by})"
        )
    if program.module.check_mode:
        return True, ["would kill " + ", ".join(map(str, program.before))]
    program.kill()
    return True, [] if program.pids() else ["nothing starts it again"]


ACTIONS = {"start": start, "terminate": terminate, "restart": restart, "kill": kill}


def find(module: Module) -> Program:
    """Return the program of the options."""
    program = Program(module)
    supervisor.doing(f"looking for the processes of service '{program.name}'")
    program.remember()
    return program


def main() -> None:
    """Run the module."""
    module = Module(
        argument_spec={
            "name": {"type": "str", "required": True},
            "pidfile": {"type": "path"},
            "executable": {"type": "path"},
            "grep": {"type": "str"},
            "units": {"type": "list", "elements": "str"},
            "start": {"type": "list", "elements": "str"},
            "start_cmd": {"type": "str"},
            "terminate_cmd": {"type": "str"},
            "restart_cmd": {"type": "str"},
            **service_module.OPTIONS,
        },
        mutually_exclusive=[HANDLES, ("start", "start_cmd")],
        required_one_of=[HANDLES],
        supports_check_mode=True,
    )
    if module.params["units"]:
        module.run_command_environ_update = systemd.ENVIRONMENT
    service_module.run(module, find, ACTIONS)


if __name__ == "__main__":
    supervisor.run(main)
