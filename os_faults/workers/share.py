"""The stream of one worker: ``transmit | ssh WORKER ansible-runner worker | process``."""

from __future__ import annotations

import logging
import os
import shlex
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from os_faults import events, reaper
from os_faults.config import SshConfig, Worker
from os_faults.inventory import ssh_words
from os_faults.model import Action, HostResult, Status

LOG = logging.getLogger(__name__)

Event = dict[str, Any]

#: What ansible-runner calls the one run of a private directory.
IDENT = "run"
#: In memory, so that keys and passwords are gone with the power of the worker at the latest.
_BASE = "/dev/shm"  # noqa: S108
#: A worker that froze or lost its network is given up after about 5 x 3 s.
_ALIVE = ("ServerAliveInterval=5", "ServerAliveCountMax=3", "ControlMaster=no", "ControlPath=none", "ForwardAgent=yes")
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
        self._ssh = ssh
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = threading.Event()

    @property
    def timed_out(self) -> bool:
        """Whether the run was stopped at its deadline, there or here."""
        return self.status == "timeout"

    def run(self, luggage: Path, scratch: Path, asked: Mapping[str, Any], hear: Callable[[Share, Event], None]) -> None:
        """Do it and wait for the end; whatever goes wrong is in `lost`.

        Args:
            luggage: what travels.
            scratch: a directory for what comes back at the end, output and exit code.
            asked: arguments of `ansible_runner.run`.
            hear: called with every event.
        """
        with tempfile.TemporaryFile(dir=scratch) as said:
            try:
                self._stream(luggage, scratch, asked, hear, said)
            except Exception as error:  # noqa: BLE001 - of one worker; the others go on
                self.status, self.lost = "error", f"{type(error).__name__}: {error}"
            if not any(event.get("event") == "playbook_on_stats" for event in self.events):
                said.seek(0)
                self._blame(said.read().decode(errors="replace"))
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
        told = events.results(self.events, self.action)
        why = self.lost or self.error or "the run ended without a result for this node"
        return {name: told.get(name) or HostResult(name, Status.FAILED, message=why) for name in nodes}

    def _stream(
        self,
        luggage: Path,
        scratch: Path,
        asked: Mapping[str, Any],
        hear: Callable[[Share, Event], None],
        said: Any,
    ) -> None:
        from ansible_runner.streaming import Processor, Transmitter

        runner = self.worker.runner
        path = f"{shlex.quote(os.path.dirname(runner))}:" if "/" in runner else ""
        work = _WORK.format(path=path, there=self.there, runner=shlex.quote(runner))
        process = subprocess.Popen(
            self._command(work),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,  # Ctrl-C is not its concern: it is stopped by us
        )
        self._process = process
        to, back = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        deadline = threading.Timer(self.action.timeout + _GRACE, self._give_up)
        deadline.start()
        try:
            if self._stopped.is_set():
                process.kill()
            with suppress(BrokenPipeError):  # what it said when it ended is the better reason
                Transmitter(_output=to, private_data_dir=str(luggage), ident=IDENT, **asked).run()
                to.close()
            Processor(
                _input=back,
                private_data_dir=str(scratch),
                artifact_dir=str(scratch),
                quiet=True,
                event_handler=lambda event: self._hear(event, hear),
                status_handler=self._note,
            ).run()
            process.wait(_GRACE)
        finally:
            deadline.cancel()
            process.kill()
            process.wait()
            back.close()
            with suppress(OSError):
                to.close()

    def _command(self, script: str, *words: str) -> list[str]:
        auth = self.worker.auth
        return [
            "ssh",
            *(word for option in _ALIVE for word in ("-o", option)),
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
        self.status = str(data["status"])
        if self.status == "error":
            self.lost = str(data.get("job_explanation", "")).partition(" Line with invalid")[0]

    def _give_up(self) -> None:
        self.status, self.lost = "timeout", "it did not say that its time is over"
        self.stop()

    def _blame(self, said: str) -> None:
        """Find out why there is no end of the run.

        Args:
            said: what ssh and the programs on the worker have said.
        """
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        if self.status in ("failed", "successful"):
            output = "".join(f"{event.get('stdout', '')}\n" for event in self.events)
            self.error = events.recap(output) or "ansible-playbook ended without statistics"
        elif self._stopped.is_set():
            self.lost = self.lost or "it was stopped"
        else:
            self.lost = (lines[-1] if lines else "") or self.lost or "it ended without an answer"

    def _clear(self) -> None:
        """End on the worker what a run without an end has left, if it can be reached."""
        program = Path(reaper.__file__).read_text(encoding="utf-8") + _CLEAR
        # -I: what lies in the home directory there is not imported.
        command = self._command('exec python3 -I - "$@"', "sh", self.there, IDENT)
        try:
            done = subprocess.run(
                command,
                input=program.encode(),
                capture_output=True,
                timeout=_CLEARED,
                check=False,
                start_new_session=True,
            )
            failed = done.stderr.decode(errors="replace").strip() if done.returncode else ""
        except (OSError, subprocess.SubprocessError) as error:
            failed = str(error)
        if failed:
            LOG.warning(
                "the worker %s may go on with %s: %s", self.worker.address, self.action, failed.splitlines()[-1]
            )
