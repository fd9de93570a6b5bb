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

#: What ansible-runner calls the one run of a private directory.
IDENT = "run"
#: In memory, so that keys and passwords are gone with the power of the worker at the latest.
_BASE = "/dev/shm"  # noqa: S108
#: A worker that froze or lost its network is given up after about 5 x 3 s.
_ALIVE = ("ServerAliveInterval=5", "ServerAliveCountMax=3", "ControlMaster=no", "ControlPath=none")
#: Its environment goes into the artifacts: no more of it than the run needs.
_WORK = """umask 077
export PATH={path}"$PATH"
mkdir {there} || exit
trap 'rm -rf {there}' EXIT
trap 'exit 1' HUP INT TERM
env -i PATH="$PATH" HOME="$HOME" USER="$(id -un)" LC_ALL=C.UTF-8 ${{SSH_AUTH_SOCK:+SSH_AUTH_SOCK="$SSH_AUTH_SOCK"}} \
    {runner} worker --private-data-dir {there}
"""
#: Read by Python on the worker, after the program that ends leftovers here.
_CLEAR = """
import shutil
import sys
end_leftovers(Path(sys.argv[1], "artifacts", sys.argv[2]))
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""
#: Seconds for a worker to be cleared, and more for a run to say that its time is over.
_CLEARED = 20
_GRACE = 30
#: Characters of the reason that a worker gives.
_REASON = 500


class Share:
    """What one worker does of an action.

    Args:
        worker: who.
        action: what, with the nodes of this share.
        ssh: connection settings.
    """

    def __init__(self, worker: Worker, action: Action, ssh: SshConfig) -> None:
        self.worker = worker
        self.action = action
        #: The run's directory on the worker; nobody can have made it before.
        self.there = f"{_BASE}/osf-{uuid.uuid4().hex[:12]}"
        self.events: list[Event] = []
        #: What became of the run there, in ansible-runner's words.
        self.status = ""
        #: Why the worker gave no whole answer; "" when it did.
        self.lost = ""
        #: Why Ansible did not come to the end of the run on it; "" when it did.
        self.error = ""
        #: The files that it has sent at its end: name → content.
        self.files: Mapping[str, bytes] = {}
        self._ssh = ssh
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._stopped = threading.Event()

    @property
    def timed_out(self) -> bool:
        """Whether the run was stopped at its deadline, there or here."""
        return self.status == "timeout"

    def run(self, bundle: Path, asked: Mapping[str, Any], hear: Callable[[Share, Event], None]) -> None:
        """Do it and wait for the end; whatever goes wrong is in `lost`.

        Args:
            bundle: what travels.
            asked: arguments of `ansible_runner.run`.
            hear: called with every event.
        """
        try:
            output = self._stream(bundle, asked, hear)
        except ProtocolViolation as deceit:
            self.status, self.lost = "error", f"it {deceit}"
        except OSError as error:
            self.status, self.lost = "error", str(error)
        except Exception as error:  # noqa: BLE001 - of one worker; the others go on
            self.status, self.lost = "error", f"{type(error).__name__}: {error}"
        else:
            if not any(event.get("event") == "playbook_on_stats" for event in self.events):
                self._blame(output)
        if self.lost:
            self._clear()

    def stop(self) -> None:
        """End it; `run` returns then."""
        self._stopped.set()
        if self._process is not None:
            self._process.kill()

    def results(self) -> dict[str, HostResult]:
        """Return what happened on each node of the share.

        Of a worker that was lost no node is known for sure: all of them count as not reached.
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

    def _stream(self, bundle: Path, asked: Mapping[str, Any], hear: Callable[[Share, Event], None]) -> list[str]:
        """Let the worker work, and return the last lines that it and ssh have said beside the answer.

        Raises:
            ProtocolViolation: the answer is none.
        """
        from ansible_runner.streaming import Transmitter

        from os_faults.ansible.workers.answer import Answer  # ansible_runner costs a quarter of a second

        process, output = self._start()
        to, back = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        names = [node.fqdn for node in self.action.nodes]
        answer = Answer(back, str(bundle), names, lambda event: self._hear(event, hear), self._note)
        deadline = threading.Timer(self.action.timeout + _GRACE, self._give_up)
        deadline.start()
        try:
            if self._stopped.is_set():
                process.kill()
            with suppress(BrokenPipeError):  # what it said when it ended is the better reason
                Transmitter(_output=to, private_data_dir=str(bundle), ident=IDENT, **asked).run()
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
        """Start ``ansible-runner worker`` there; return its ssh here, and what these say beside the answer."""
        runner = self.worker.runner
        path = f"{shlex.quote(os.path.dirname(runner))}:" if "/" in runner else ""
        work = _WORK.format(path=path, there=self.there, runner=shlex.quote(runner))
        self._process = subprocess.Popen(
            self._command(work, agent=any(_needs_agent(node) for node in self.action.nodes)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is not its concern: it is stopped by us
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

    def _hear(self, event: Event, hear: Callable[[Share, Event], None]) -> bool:
        event["worker"] = self.worker.address
        self.events.append(event)
        hear(self, event)
        return False  # it is written with the events of the others

    def _note(self, data: Mapping[str, Any], runner_config: object) -> None:
        status = str(data["status"])
        # A second less than there, as both count for themselves.
        if status == "timeout" and time.monotonic() - self._began < round(self.action.timeout) - 1:
            raise ProtocolViolation("said that its time is over when it was not")
        self.status = status
        if status == "error":
            self.lost = str(data.get("job_explanation", ""))[:_REASON]

    def _give_up(self) -> None:
        self.status, self.lost = "timeout", "it did not say that its time is over"
        self.stop()

    def _blame(self, lines: Sequence[str]) -> None:
        """Find out why there is no end of the run.

        Args:
            lines: what ssh and the programs on the worker have written to stderr.
        """
        if self.status in ("failed", "successful"):
            output = "".join(f"{event.get('stdout', '')}\n" for event in self.events)
            self.error = events.recap(output) or "ansible-playbook ended without statistics"
        elif self._stopped.is_set():
            self.lost = self.lost or "it was stopped"
        else:
            self.lost = (lines[-1] if lines else "") or self.lost or "it ended without an answer"

    def _clear(self) -> None:
        """End on the worker what a run without an end has left, if it can be reached."""
        program = Path(leftovers.__file__).read_text(encoding="utf-8") + _CLEAR
        # -I: what lies in the home directory there is not imported.
        command = self._command('exec python3 -I - "$@"', "sh", self.there, IDENT)
        try:
            failed = _fed(command, program.encode())
        except (OSError, subprocess.SubprocessError) as error:
            failed = str(error)
        if failed:
            LOG.warning("the worker %s may go on with %s: %s", self.worker.address, self.action, failed)


def _fed(command: list[str], text: bytes) -> str:
    """Let a program read a text; return the last that it said when it failed, else "".

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
    """Return whether nothing is named by which a node, or the host that it is behind, is logged in to."""
    auth = node.auth
    return not (auth.private_key_file or auth.password) or bool(auth.jump and not auth.jump.private_key_file)
