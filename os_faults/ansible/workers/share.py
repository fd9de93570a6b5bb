"""The stream of one worker: ``transmit | ssh WORKER ansible-runner worker | process``."""

from __future__ import annotations

import logging
import os
import shlex
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from os_faults.ansible import events, leftovers
from os_faults.ansible.inventory import ssh_words
from os_faults.ansible.workers.errors import ProtocolViolation
from os_faults.ansible.workers.output import OutputTail
from os_faults.config import SshConfig, Worker
from os_faults.model import Action, HostResult, Node, Status

LOG = logging.getLogger(__name__)

Event = dict[str, Any]

#: ansible-runner's name for the one run of a private directory.
IDENT = "run"
#: In memory, so that keys and passwords never survive a power-off of the worker.
_BASE = "/dev/shm"  # noqa: S108
#: A frozen worker, or one without network, counts as lost after about 5 x 3 s.
_ALIVE = ("ServerAliveInterval=5", "ServerAliveCountMax=3", "ControlMaster=no", "ControlPath=none")
#: The artifacts have the environment of the run, so it has only the needed variables.
_WORK = """umask 077
export PATH={path}"$PATH"
mkdir {there} || exit
trap 'rm -rf {there}' EXIT
trap 'exit 1' HUP INT TERM
env -i PATH="$PATH" HOME="$HOME" USER="$(id -un)" LC_ALL=C.UTF-8 ${{SSH_AUTH_SOCK:+SSH_AUTH_SOCK="$SSH_AUTH_SOCK"}} \
    {runner} worker --private-data-dir {there}
"""
#: Appended to the module `leftovers`, and run by Python on the worker.
_CLEAR = """
import shutil
import sys
end_leftovers(Path(sys.argv[1], "artifacts", sys.argv[2]))
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""
#: Seconds for the clean-up of a worker, and further seconds for a run to report its time-out.
_CLEARED = 20
_GRACE = 30
#: Most characters of the reason that a worker reports.
_REASON = 500


class Share:
    """The share of one worker in an action.

    Args:
        worker: the worker.
        action: the action, with the nodes of this share.
        ssh: connection settings.
    """

    def __init__(self, worker: Worker, action: Action, ssh: SshConfig) -> None:
        self.worker = worker
        self.action = action
        #: The run's directory on the worker; its random name can't exist before.
        self.there = f"{_BASE}/osf-{uuid.uuid4().hex[:12]}"
        self.events: list[Event] = []
        #: Status of the run there, as ansible-runner reports it.
        self.status = ""
        #: Why the worker gave no complete answer; "" when it did.
        self.lost = ""
        #: Why Ansible did not finish the run on it; "" when it did.
        self.error = ""
        #: The files that the worker has sent at its end: name → content.
        self.files: Mapping[str, bytes] = {}
        self._ssh = ssh
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._stopped = threading.Event()

    @property
    def timed_out(self) -> bool:
        """Whether the run was stopped at its deadline, there or here."""
        return self.status == "timeout"

    def run(self, bundle: Path, arguments: Mapping[str, Any], on_event: Callable[[Share, Event], None]) -> None:
        """Run the share and wait for its end; an error of the worker is in `lost`.

        Args:
            bundle: the directory for the worker.
            arguments: arguments of `ansible_runner.run`.
            on_event: called with every event.
        """
        try:
            output = self._stream(bundle, arguments, on_event)
        except ProtocolViolation as violation:
            self.status, self.lost = "error", f"it {violation}"
        except OSError as error:
            self.status, self.lost = "error", str(error)
        except Exception as error:  # noqa: BLE001 - an error of one worker; the others continue
            self.status, self.lost = "error", f"{type(error).__name__}: {error}"
        else:
            if not any(event.get("event") == "playbook_on_stats" for event in self.events):
                self._blame(output)
        if self.lost:
            self._clear()

    def stop(self) -> None:
        """End the share; `run` returns then."""
        self._stopped.set()
        if self._process is not None:
            self._process.kill()

    def results(self) -> dict[str, HostResult]:
        """Return the result of each node of the share.

        The results of a lost worker are not known for sure: all its nodes count as unreachable.
        """
        nodes = [node.fqdn for node in self.action.nodes]
        if self.lost and not self.timed_out:
            why = (
                f"its worker {self.worker.address} was lost ({self.lost}); a fault that it began here ends at its time"
            )
            return {name: HostResult(name, Status.UNREACHABLE, message=why) for name in nodes}
        results = events.results(events.genuine(self.events), self.action)
        why = self.lost or self.error or "the run ended without a result for this node"
        return {name: results.get(name) or HostResult(name, Status.FAILED, message=why) for name in nodes}

    def _stream(
        self, bundle: Path, arguments: Mapping[str, Any], on_event: Callable[[Share, Event], None]
    ) -> list[str]:
        """Let the worker do the run, and return the last lines of error output from it and from ssh.

        Raises:
            ProtocolViolation: the answer breaks the protocol.
        """
        from ansible_runner.streaming import Transmitter

        from os_faults.ansible.workers.answer import Answer  # ansible_runner costs a quarter of a second

        process, output = self._start()
        to, back = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        names = [node.fqdn for node in self.action.nodes]
        answer = Answer(back, str(bundle), names, lambda event: self._keep(event, on_event), self._note)
        deadline = threading.Timer(self.action.timeout + _GRACE, self._give_up)
        deadline.start()
        try:
            if self._stopped.is_set():
                process.kill()
            with suppress(BrokenPipeError):  # the error output of the worker has a better reason
                Transmitter(_output=to, private_data_dir=str(bundle), ident=IDENT, **arguments).run()
                to.close()
            answer.run()
            self.files = answer.files
            if not answer.is_whole:
                self.status, self.lost = "error", self.lost or "it ended in the middle of its answer"
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            raise ProtocolViolation(f"did not end within {_GRACE} s after its answer") from None
        finally:
            deadline.cancel()
            process.kill()
            process.wait()
            back.close()
            with suppress(OSError):
                to.close()
        return output.lines()

    def _start(self) -> tuple[subprocess.Popen[bytes], OutputTail]:
        """Start ``ansible-runner worker`` there; return its ssh client here, and their error output."""
        runner = self.worker.runner
        path = f"{shlex.quote(os.path.dirname(runner))}:" if "/" in runner else ""
        work = _WORK.format(path=path, there=self.there, runner=shlex.quote(runner))
        self._process = subprocess.Popen(
            self._command(work, agent=any(_needs_agent(node) for node in self.action.nodes)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # it must not get Ctrl-C: `stop` ends it
        )
        self._began = time.monotonic()
        return self._process, OutputTail(cast("IO[bytes]", self._process.stderr))

    def _command(self, script: str, *words: str, agent: bool = False) -> list[str]:
        auth = self.worker.auth
        options = (*_ALIVE, f"ForwardAgent={'yes' if agent else 'no'}")
        return [
            "ssh",
            *(word for option in options for word in ("-o", option)),
            *ssh_words(auth, self._ssh),
            *(["-p", str(auth.port)] if auth.port else []),
            *(["-l", auth.username] if auth.username else []),
            self.worker.address,
            shlex.join(["sh", "-c", script, *words]),
        ]

    def _keep(self, event: Event, on_event: Callable[[Share, Event], None]) -> bool:
        event["worker"] = self.worker.address
        self.events.append(event)
        on_event(self, event)
        return False  # the shared run writes the file

    def _note(self, data: Mapping[str, Any], runner_config: object) -> None:
        status = str(data["status"])
        # One second less than on the worker, as both count separately.
        if status == "timeout" and time.monotonic() - self._began < round(self.action.timeout) - 1:
            raise ProtocolViolation("reported a time-out before its deadline")
        self.status = status
        if status == "error":
            self.lost = str(data.get("job_explanation", ""))[:_REASON]

    def _give_up(self) -> None:
        self.status, self.lost = "timeout", "it did not report its time-out"
        self.stop()

    def _blame(self, lines: Sequence[str]) -> None:
        """Find the reason why the run did not finish.

        Args:
            lines: the last lines of stderr, from ssh and the programs on the worker.
        """
        if self.status in ("failed", "successful"):
            output = "".join(f"{event.get('stdout', '')}\n" for event in self.events)
            self.error = events.recap(output) or "ansible-playbook ended without statistics"
        elif self._stopped.is_set():
            self.lost = self.lost or "it was stopped"
        else:
            self.lost = (lines[-1] if lines else "") or self.lost or "it ended without an answer"

    def _clear(self) -> None:
        """End the leftovers of an unfinished run on the worker, if it can be reached."""
        program = Path(leftovers.__file__).read_text(encoding="utf-8") + _CLEAR
        # -I: Python imports nothing from the home directory there.
        command = self._command('exec python3 -I - "$@"', "sh", self.there, IDENT)
        try:
            failed = _fed(command, program.encode())
        except (OSError, subprocess.SubprocessError) as error:
            failed = str(error)
        if failed:
            LOG.warning("the worker %s may still run %s: %s", self.worker.address, self.action, failed)


def _fed(command: list[str], text: bytes) -> str:
    """Let a program read a text; return its last line of error output when it failed, else "".

    Raises:
        SubprocessError: it did not end in time, and was killed.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    output = OutputTail(cast("IO[bytes]", process.stderr))
    try:
        with suppress(BrokenPipeError), cast("IO[bytes]", process.stdin) as to:
            to.write(text)
        process.wait(_CLEARED)
    finally:
        process.kill()
        process.wait()
    return (output.lines() or [f"exit code {process.returncode}"])[-1] if process.returncode else ""


def _needs_agent(node: Node) -> bool:
    """Return whether the login to a node, or to its jump host, has neither a key nor a password."""
    auth = node.auth
    return not (auth.private_key_file or auth.password) or bool(
        auth.jump and not (auth.jump.private_key_file or auth.private_key_file)
    )
