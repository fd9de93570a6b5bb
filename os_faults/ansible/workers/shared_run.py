"""The shares of all workers as one run: start, events, artifacts, stop, result."""

from __future__ import annotations

import json
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from os_faults.ansible.inventory import JUMP
from os_faults.ansible.workers.bundle import pack
from os_faults.ansible.workers.division import divide
from os_faults.ansible.workers.share import Event, Share
from os_faults.config import SshConfig, Worker
from os_faults.model import Action, Result

#: Most hosts at a time on a worker; more would be slower on any machine.
_FORKS = 50


class SharedRun:
    """One run of an action on several workers.

    Args:
        workers: the workers.
        action: the action.
        inventory: Ansible's inventory of the action's nodes.
        ssh: connection settings, for workers and nodes.
        secrets: paths of the files with passwords that the inventory names.
        control_dir: directory of the sockets that the inventory names.
        artifacts: the directory of the run's artifacts, in ansible-runner's layout.
        temporary: a private directory for the files of workers; it is empty again after the run.
        arguments: further arguments of `ansible_runner.run`.

    Raises:
        ConfigError: no worker takes a node.
    """

    #: For the protocol `Run`: an error of a worker is in the results of its nodes.
    crash: BaseException | None = None

    def __init__(
        self,
        workers: Sequence[Worker],
        action: Action,
        inventory: Mapping[str, Any],
        ssh: SshConfig,
        secrets: Iterable[str],
        control_dir: str,
        artifacts: Path,
        temporary: Path,
        arguments: Mapping[str, Any],
    ) -> None:
        self.events: list[Event] = []
        self._shares = [
            Share(worker, replace(action, nodes=nodes), ssh) for worker, nodes in divide(action.nodes, workers).items()
        ]
        self._inventory = inventory
        self._ssh = ssh
        self._secrets = tuple(secrets)
        self._control_dir = control_dir
        self._artifacts = artifacts
        self._temporary = temporary
        self._arguments = arguments
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._turn = threading.Lock()
        self._counter = 0
        self._exit_codes: list[int] = []
        self._threads = [
            threading.Thread(target=self._work, args=(share,), name="os-faults-worker", daemon=True)
            for share in self._shares
        ]

    @property
    def timed_out(self) -> bool:
        """Whether a share was stopped at its deadline."""
        return any(share.timed_out for share in self._shares)

    @property
    def forks(self) -> int:
        """The number of hosts at a time, on all workers."""
        return sum(_forks(share) for share in self._shares)

    @property
    def shares(self) -> dict[str, list[str]]:
        """Worker → the names of its nodes."""
        return {share.worker.address: [node.fqdn for node in share.action.nodes] for share in self._shares}

    def follow(self, watch: Callable[[Event], None] | None) -> None:
        """Start all shares and wait for their end; interruptible at any time."""
        (self._artifacts / "job_events").mkdir(mode=0o700)
        for thread in self._threads:
            thread.start()
        going = len(self._threads)
        while going:
            event = self._queue.get()
            if event is None:
                going -= 1
                continue
            self.events.append(event)
            if watch is not None:
                watch(event)
        good = all(share.status == "successful" for share in self._shares)
        _write(self._artifacts / "status", "timeout" if self.timed_out else "successful" if good else "failed")

    def stop(self) -> None:
        """End all shares, here and on the workers, in bounded time."""
        for share in self._shares:
            share.stop()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout=30)

    def clear(self) -> None:
        """Do nothing: each share clears its own worker."""

    def error(self) -> str:
        """Return "": errors are in the results of the nodes, see `report`."""
        return ""

    def report(self, result: Result) -> Result:
        """Return a result with the entries of the nodes; the nodes of a lost worker are unreachable."""
        hosts = {name: host for share in self._shares for name, host in share.results().items()}
        return replace(result, hosts=hosts)

    def _work(self, share: Share) -> None:
        directory = Path(tempfile.mkdtemp(prefix="share-", dir=self._temporary))
        try:
            bundle = directory / "bundle"
            files = (*self._secrets, str(JUMP))
            playbook = pack(
                bundle, share.there, share.action, self._inventory, self._ssh, files, sockets=self._control_dir
            )
            arguments = {
                **self._arguments,
                "playbook": playbook,
                "limit": f"@{share.there}/files/limit",
                "forks": _forks(share),
                "envvars": {**self._arguments["envvars"], "ANSIBLE_CONFIG": f"{share.there}/project/ansible.cfg"},
            }
            share.run(bundle, arguments, self._write_event)
            self._keep(share.files)
        except Exception as error:  # noqa: BLE001 - it is in the results of the share's nodes
            share.lost = share.lost or str(error)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
            self._queue.put(None)

    def _write_event(self, share: Share, event: Event) -> None:
        """Write an event to its file, numbered as in one run."""
        with self._turn:
            self._counter += 1
            event["counter"] = self._counter
            name = f"{self._counter}-{event['uuid']}.json"
            _write(self._artifacts / "job_events" / name, json.dumps(event))
            self._queue.put(event)

    def _keep(self, files: Mapping[str, bytes]) -> None:
        """Add the files of a worker to the run's artifacts."""
        with self._turn:
            for name in ("stdout", "stderr"):
                with open(_opened(self._artifacts / name, os.O_APPEND), "ab") as file:
                    file.write(files.get(name, b""))
            if "rc" in files:
                self._exit_codes.append(int(files["rc"]))
                _write(self._artifacts / "rc", str(max(self._exit_codes)))


def _forks(share: Share) -> int:
    return min(len(share.action.nodes), _FORKS)


def _opened(path: Path, how: int) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)


def _write(path: Path, text: str) -> None:
    with open(_opened(path, os.O_TRUNC), "w", encoding="utf-8") as file:
        file.write(text)
