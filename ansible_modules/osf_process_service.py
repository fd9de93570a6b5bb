#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Start, stop, restart or kill a service that is a program with a pid file."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_process_service
short_description: Start, terminate, restart or kill a service that is a program with a pid file
description:
  - For services that no service manager knows. Needs neither root nor systemd.
  - The service is the process of the pid file with all its children; nothing is ever found by a name. A pid file that
    is older than the process with its pid is stale, and the service is down.
  - C(start) runs the program in a session of its own and waits until the pid file is there and the process lives.
    Its output goes to a log beside the pid file. For a program that writes no pid file the module writes it.
  - C(terminate) sends SIGTERM to every process of the service and waits until each is gone. It is recorded on the
    host, so that healing the host starts the service again; C(start) and C(restart) close that record.
  - C(kill) sends SIGKILL instead, and leaves no record.
version_added: "1.0.0"
options:
  name:
    description: What the service is called in messages and in the record.
    type: str
    required: true
  pidfile:
    description: Absolute path of the pid file.
    type: path
    required: true
  start:
    description: The program and its arguments; needed for every action that starts it.
    type: list
    elements: str
  action:
    description: What to do with the service.
    type: str
    required: true
    choices: [start, terminate, restart, kill]
  timeout:
    description: Seconds after which a service that did not start, stop or die is a failure.
    type: int
    default: 300
  by:
    description: Who acts, for the record. The user and the address of the session by default.
    type: str
  force:
    description: Whether to act on a host that holds a fault of somebody else than O(by).
    type: bool
    default: false
attributes:
  check_mode:
    description: Tells what would be done and changes nothing.
    support: full
  diff_mode:
    description: There is no text to compare.
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

- name: Kill it with all its children
  osf_process_service:
    name: web
    pidfile: /home/me/web/web.pid
    action: kill
"""

RETURN = r"""
state:
  description: Whether the service runs.
  returned: success
  type: str
  sample: active
units:
  description: The pid file, which stands for the service.
  returned: success
  type: list
  elements: str
  sample: [/home/me/web/web.pid]
pids_before:
  description: Processes of the service before.
  returned: success
  type: list
  elements: int
  sample: [811]
pids_after:
  description: Processes of the service afterwards; the same as before in check mode.
  returned: success
  type: list
  elements: int
  sample: [907]
notes:
  description: What a person should know, in sentences.
  returned: success
  type: list
  elements: str
  sample: ["nothing starts it again"]
"""

import os
import shlex
import signal
import subprocess
import time

from ansible.module_utils import osf_claims, osf_holds, osf_proc
from ansible.module_utils.basic import AnsibleModule

GRACE = 0.4
"""Seconds that a program has to write its own pid file, and that a started process has to prove that it lives."""


class Failure(Exception):
    """The service is not as it was asked to be; the message is a sentence."""


def log_path(pidfile):
    """Return where the output of the service goes: beside its pid file."""
    return os.path.splitext(pidfile)[0] + ".log"


START_SCRIPT = """\
# Start the service again, unless somebody has done so already.
if [ -s {pidfile} ] && kill -0 "$(cat {pidfile})" 2>/dev/null; then
    exit 0
fi
cd {directory} || exit 1
rm -f {pidfile}
setsid {command} </dev/null >>{log} 2>&1 &
pid=$!
sleep 1
[ -s {pidfile} ] || echo "$pid" >{pidfile}
kill -0 "$(cat {pidfile})"
"""


def start_script(argv, pidfile):
    """Return a POSIX script that does what `Program.launch` does, for the undo: it has to work without Python."""
    return START_SCRIPT.format(
        command=" ".join(shlex.quote(each) for each in argv),
        pidfile=shlex.quote(pidfile),
        directory=shlex.quote(os.path.dirname(pidfile)),
        log=shlex.quote(log_path(pidfile)),
    )


class Program:
    """The program behind a pid file, and the only place where it is acted on."""

    def __init__(self, module):
        self.module = module
        self.name = module.params["name"]
        self.pidfile = module.params["pidfile"]
        self.argv = module.params["start"]
        self.deadline = time.monotonic() + module.params["timeout"]

    def pids(self):
        """Return the processes of the service; none when it is down."""
        root = osf_proc.pid_from_file(self.pidfile)
        return osf_proc.tree(root) if root else []

    def require_start(self):
        """Refuse to go on without knowing how to start the service."""
        if not self.argv:
            raise Failure("service '%s' can't be started: its definition has no 'start'" % self.name)

    def launch(self):
        """Start the program in a session of its own and wait until the pid file is there and the process lives."""
        self._drop_pidfile()
        output = self._open_log()
        try:
            child = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=os.path.dirname(self.pidfile),
                # On the controller it is a directory of the run's, and the program outlives the run.
                env={name: value for name, value in os.environ.items() if name != "TMPDIR"},
                start_new_session=True,
            )
        except OSError as error:
            raise Failure("service '%s' can't be started: %s" % (self.name, error)) from error
        finally:
            output.close()
        self._await_pidfile(child)

    def _open_log(self):
        try:
            return open(log_path(self.pidfile), "ab")
        except OSError:
            return open(os.devnull, "ab")

    def _await_pidfile(self, child):
        grace = time.monotonic() + GRACE
        while True:
            ended = child.poll()
            if ended:
                raise Failure("service '%s' did not start: exit code %d%s" % (self.name, ended, self._last_line()))
            late = time.monotonic() >= grace
            if late and osf_proc.pid_from_file(self.pidfile):
                return
            if late and ended is None:
                self._write_pidfile(child.pid)
                return
            if time.monotonic() >= self.deadline:
                raise Failure(
                    "service '%s' did not start within %d s: it went into the background, but %s names no live process"
                    % (self.name, self.module.params["timeout"], self.pidfile)
                )
            time.sleep(0.02)

    def _write_pidfile(self, pid):
        try:
            with open(self.pidfile, "w", encoding="ascii") as file:
                file.write("%d\n" % pid)
        except OSError as error:
            os.kill(pid, signal.SIGTERM)
            raise Failure("service '%s' can't be started: its pid file: %s" % (self.name, error)) from error

    def _last_line(self):
        try:
            with open(log_path(self.pidfile), encoding="utf-8", errors="replace") as file:
                lines = file.read()[-4000:].strip().splitlines()
        except OSError:
            lines = []
        return "; its log ends: %s" % lines[-1] if lines else ""

    def _drop_pidfile(self):
        try:
            os.unlink(self.pidfile)
        except FileNotFoundError:
            pass

    def stop(self, number):
        """Send a signal to every process of the service and wait until each of them is gone."""
        victims = osf_proc.identify(self.pids())
        osf_proc.send(victims, number)
        insist = signal.SIGKILL if number == signal.SIGKILL else None
        left = osf_proc.wait_gone(victims, self.deadline, insist)
        if left:
            raise Failure(
                "service '%s' got %s, but after %d s these processes are still there: %s"
                % (
                    self.name,
                    number.name,
                    self.module.params["timeout"],
                    ", ".join(str(each.pid) for each in left),
                )
            )
        if number != signal.SIGKILL:
            self._drop_pidfile()


def start(program, before):
    """Start the service when it is down."""
    if not before:
        program.require_start()
        if program.module.check_mode:
            return True, ["would start " + " ".join(program.argv)]
        program.launch()
    osf_holds.close(program.module, osf_holds.hold_id("terminate", program.name))
    return not before, []


def terminate(program, before):
    """Stop the service gracefully; leave a record that tells how to start it again."""
    if not before:
        return False, []
    program.require_start()
    if program.module.check_mode:
        return True, ["would stop " + ", ".join(map(str, before))]
    osf_holds.record_change(
        program.module,
        fault="terminate",
        subject=program.name,
        state="terminated",
        by=program.module.params["by"],
        files={"start.sh": start_script(program.argv, program.pidfile)},
        undo=[["/bin/sh", "start.sh"]],
    )
    program.stop(signal.SIGTERM)
    return True, []


def restart(program, before):
    """Stop the service when it runs, then start it."""
    program.require_start()
    if program.module.check_mode:
        return True, ["would restart " + program.name]
    if before:
        program.stop(signal.SIGTERM)
    program.launch()
    osf_holds.close(program.module, osf_holds.hold_id("terminate", program.name))
    return True, []


def kill(program, before):
    """Kill every process of the service."""
    if not before:
        raise Failure(
            "nothing to kill: service '%s' has no process on this host (%s names no live one)"
            % (program.name, program.pidfile)
        )
    if program.module.check_mode:
        return True, ["would kill " + ", ".join(map(str, before))]
    program.stop(signal.SIGKILL)
    return True, ["nothing starts it again"]


ACTIONS = {"start": start, "terminate": terminate, "restart": restart, "kill": kill}


def main():
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "pidfile": {"type": "path", "required": True},
            "start": {"type": "list", "elements": "str"},
            "action": {"type": "str", "required": True, "choices": list(ACTIONS)},
            "timeout": {"type": "int", "default": 300},
            "by": {"type": "str"},
            "force": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    program = Program(module)
    before = program.pids()
    try:
        if module.params["action"] != "start":
            osf_claims.refuse_others(module.params["by"] or osf_holds.who(), module.params["force"])
        changed, notes = ACTIONS[module.params["action"]](program, before)
    except (Failure, osf_holds.Refused) as error:
        module.fail_json(msg=str(error))
    after = before if module.check_mode else program.pids()
    module.exit_json(
        changed=changed,
        state="active" if after else "inactive",
        units=[program.pidfile],
        pids_before=before,
        pids_after=after,
        notes=notes,
    )


if __name__ == "__main__":
    main()
