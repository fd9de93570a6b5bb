#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Start, stop, restart or kill a service that is a program of its own."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_process_service
short_description: Start, terminate, restart or kill a service that is a program of its own
description:
  - For services that no service manager knows, or that have commands of their own. Needs neither root nor systemd.
  - The service is what one of O(pidfile), O(executable), O(grep) and O(units) points at, with all the processes that it
    has started. A pid file that is older than the process with its pid is stale, and the service is down. Editors,
    pagers, shells with C(-c) and other tools that only have the program's name on their command line are never taken
    for it, nor are this module and its parents.
  - V(start) runs O(start) or O(start_cmd) in a session of its own and waits until the service lives. Its output goes to
    a log beside the pid file, or to C(/var/log/os-faults-NAME.log) where others can exchange that. For O(start), of a
    program that writes no pid file the module writes it. What ran as another user before starts as that one again.
  - A pid file that another user can change names only processes that this user could end himself.
  - V(terminate) runs O(terminate_cmd), or sends SIGTERM to every process of the service, and waits until each is gone.
    It is recorded on the host, so that healing the host starts the service again; V(start) and V(restart) close that
    record.
  - V(kill) sends SIGKILL instead, and leaves no record.
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
    description: Absolute path of the binary, or of the script that an interpreter runs.
    type: path
  grep:
    description: Extended regular expression that is looked for in the whole command line, its words joined by spaces.
    type: str
  units:
    description: Names and shell patterns of systemd units in order of preference, as M(osf_systemd_service) takes them.
    type: list
    elements: str
  start:
    description: The program and its arguments; it or O(start_cmd) is needed for every action that starts the service.
    type: list
    elements: str
  start_cmd:
    description: A shell command that starts the service.
    type: str
  terminate_cmd:
    description: A shell command that stops the service.
    type: str
  restart_cmd:
    description: A shell command that restarts the service; without it the service is stopped and started.
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
- name: Start a web server that knows nothing of pid files
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
  description: Whether the service runs.
  returned: success
  type: str
  sample: active
units:
  description: What the service was found by.
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

import os
import signal
import subprocess
import time
from typing import Any, BinaryIO, Sequence

from ansible.module_utils.os_faults import errors, service_module
from ansible.module_utils.os_faults.hold import recorded, terminated
from ansible.module_utils.os_faults.host import pidfiles, proc, program_log, run_as, supervisor
from ansible.module_utils.os_faults.module import Module
from ansible.module_utils.os_faults.service import programs, resolve, start_script, systemd

GRACE = 0.4
"""Seconds that a program has to write its own pid file, and that a started process has to prove that it lives."""

HANDLES = (*programs.HANDLES, "units")
"""The options that a service may be found by."""


class Program(service_module.Target):
    """The program, and the only place where it is acted on."""

    def __init__(self, module: Module) -> None:
        super().__init__(module)
        self.name = module.params["name"]
        self.pidfile = module.params["pidfile"]
        self.definition = {key: module.params[key] for key in HANDLES if module.params[key]}
        shell = module.params["start_cmd"]
        self.argv = ["/bin/sh", "-c", shell] if shell else module.params["start"]
        self.log = program_log.path_of(self.name, self.pidfile)
        self.user: int | None = None

    @property
    def found_by(self) -> str:
        """What it is found by, in words."""
        if self.pidfile:
            return f"{self.pidfile} names no live one"
        handle, value = next(iter(self.definition.items()))
        return f"no process of {handle} {value!r}"

    def units(self) -> list[str]:
        """Return the units that it is found by."""
        if "units" not in self.definition:
            return []
        return list(resolve.find_units(self.module, self.definition["units"], self.name))

    def pids(self) -> list[int]:
        """Return the processes of the service; none when it is down."""
        return resolve.processes(self.module, self.definition, self.name, self.user)

    def answer(self, pids: list[int]) -> dict[str, Any]:
        """Return whether it runs."""
        return {"state": "active" if pids else "inactive", "units": [self.pidfile or self.name]}

    def remember(self) -> None:
        """Remember as whom the service runs, or ran before it was terminated: it is started as that one again."""
        user = terminated.user_when_terminated(self.name)
        mains = [] if "units" in self.definition else resolve.mains(self.module, self.definition, self.name, user)
        # Of a pid file it is who can change that.
        self.user = mains[0].owner if self.pidfile and mains else terminated.user_of(mains, self.name)
        self.identity = terminated.identity_of(mains, self.name)

    def command(self) -> list[str]:
        """Return the command line that starts the service as whom it ran."""
        return run_as.command(self.identity, self.argv)

    def require_start(self) -> None:
        """Refuse to go on without knowing how to start the service."""
        if not self.argv:
            raise errors.Failed(
                f"service '{self.name}' can't be started: its definition has no 'start' (or 'start_cmd')"
            )
        if self.command()[0] == run_as.SETPRIV:
            raise errors.Failed(f"service '{self.name}' runs as another user, and can't be started so: no setpriv here")

    def launch(self) -> None:
        """Start the program in a session of its own and wait until it lives, and has its pid file if it has one."""
        self._drop_pidfile()
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
                self._write_pidfile(child.pid)
                return
            if time.monotonic() >= self.deadline:
                raise errors.Failed(
                    f"service '{self.name}' did not start within {self.module.params['timeout']:d} s: "
                    f"its command was run, but {self.found_by}"
                )
            time.sleep(0.02 if self.pidfile else 0.1)

    def relaunch(self) -> None:
        """Restart the service by its own command, and wait until the old processes are gone and new ones are there."""
        old = proc.identify(self.before)
        self.user = None  # the command may give it another one
        child = self._spawn(["/bin/sh", "-c", self.module.params["restart_cmd"]], "restarted")
        grace = time.monotonic() + GRACE
        while True:
            ended = child.poll()
            if ended:
                raise errors.Failed(
                    f"service '{self.name}' did not restart: exit code {ended:d}{program_log.last_words(self.log)}"
                )
            # A command that has ended well says that it is done; one that goes on may be the program itself.
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
        output = self._open_log()
        try:
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=start_script.working_directory(self.pidfile),
                # On the controller it is a directory of the run's, and the program outlives the run.
                env={name: value for name, value in os.environ.items() if name != "TMPDIR"},
                start_new_session=True,
            )
        except OSError as error:
            raise errors.Failed(f"service '{self.name}' can't be {what}: {error}") from error
        finally:
            output.close()

    def _open_log(self) -> BinaryIO:
        try:
            return program_log.append_to(self.log)
        except errors.Refused as error:
            self.notes.append(f"what the service writes is not kept: {error}")
            return open(os.devnull, "ab")

    def _write_pidfile(self, pid: int) -> None:
        try:
            pidfiles.write(self.pidfile, pid)
        except OSError as error:
            os.kill(pid, signal.SIGTERM)
            raise errors.Failed(f"service '{self.name}' can't be started: {self.pidfile}: {error}") from error

    def _drop_pidfile(self) -> None:
        try:
            if self.pidfile:
                pidfiles.remove(self.pidfile)
        except OSError as error:
            raise errors.Failed(f"service '{self.name}': its old pid file can't be removed: {error}") from error

    def stop(self) -> None:
        """Stop the service gracefully, by its own command or by SIGTERM, and wait until each process is gone."""
        victims = proc.identify(self.pids())
        if not self.module.params["terminate_cmd"]:
            proc.send(victims, signal.SIGTERM)
            self._await_end(victims, "got SIGTERM")
        else:
            child = self._spawn(["/bin/sh", "-c", self.module.params["terminate_cmd"]], "stopped")
            left = proc.wait_gone(victims, self.deadline)
            if left and child.poll():
                raise errors.Failed(
                    f"service '{self.name}' did not stop: exit code {child.returncode:d}"
                    f"{program_log.last_words(self.log)}"
                )
            self._await_end(victims, "was asked to stop by its terminate_cmd")
        self._drop_pidfile()

    def kill(self) -> None:
        """Kill every process of the service and wait until each of them is gone."""
        victims = proc.identify(self.pids())
        proc.send(victims, signal.SIGKILL)
        self._await_end(victims, "got SIGKILL", signal.SIGKILL)

    def _await_end(self, victims: Sequence[proc.Process], what: str, insist: signal.Signals | None = None) -> None:
        left = proc.wait_gone(victims, self.deadline, insist)
        if left:
            raise errors.Failed(
                f"service '{self.name}' {what}, but after {self.module.params['timeout']:d} s these processes "
                f"are still there: {', '.join(str(each.pid) for each in left)}"
            )


def start(program: Program) -> tuple[bool, list[str]]:
    """Start the service when it is down."""
    if not program.before:
        program.require_start()
        if program.module.check_mode:
            return True, ["would start " + " ".join(program.argv)]
        program.launch()
    recorded.close(program.module, "terminate", program.name)
    return not program.before, []


def terminate(program: Program) -> tuple[bool, list[str]]:
    """Stop the service gracefully; leave a record that tells how to start it again."""
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
    """Restart the service by its own command, else stop it when it runs and start it."""
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
    """Return the program that the options describe."""
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
