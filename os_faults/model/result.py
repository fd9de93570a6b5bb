"""What happened on each node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from os_faults.errors import (
    AnsibleExecutionException,
    AnsibleExecutionUnreachable,
    NothingTargeted,
    PartlyDone,
    PartlyUnreachable,
    UndoError,
)
from os_faults.model.action import Action


class Status(str, Enum):
    """What became of a node in a run."""

    OK = "ok"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    SKIPPED = "skipped"
    IGNORED = "ignored"
    """The task failed, and its ``ignore_errors`` says that this is no failure of the run."""


@dataclass(frozen=True)
class HostResult:
    """What a run did on one node.

    Attributes:
        node: name of the node.
        status: see `Status`.
        changed: whether anything changed on the node.
        message: the module's own message, or why the node failed.
        stdout: output of the task, where it has one.
        stderr: error output of the task, where it has one.
        rc: exit code of the task's command, where it has one.
        payload: everything else that the module returned.
        task: name of the task that the result comes from.
        answered: whether it is known what the node did: as a rule it said so in an answer that can be used. Of one that
            could not be reached, died or answered nonsense nobody knows how far it came.
    """

    node: str
    status: Status
    changed: bool = False
    message: str = ""
    stdout: str = ""
    stderr: str = ""
    rc: int | None = None
    payload: Mapping[str, Any] = field(default_factory=dict, repr=False)
    task: str = ""
    answered: bool = True

    @property
    def host(self) -> str:
        """The node's name, as callers of the older library spell it."""
        return self.node

    @property
    def ok(self) -> bool:
        """Whether the node did what was asked (an ignored failure and a skip count as done)."""
        return self.status in (Status.OK, Status.SKIPPED, Status.IGNORED)


@dataclass(frozen=True)
class Record:
    """What a run did on one node, as callers of versions before 1.0 read it.

    Attributes:
        host: the address by which the node is reached.
        status: ``OK``, ``FAILED``, ``UNREACHABLE``, ``SKIPPED``, or ``IGNORED`` for a failure that the task allows.
        task: name of the task.
        payload: all that the module returned, ``stdout``, ``stdout_lines`` and ``rc`` among it.
    """

    host: str
    status: str
    task: str
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Cost:
    """What a run took of the controller.

    Attributes:
        cpu_seconds: processor time of this process and of all that it has started, while the run went on; of runs at
            the same time each has the time of all.
        memory_mb: the most memory that the processes it has started had at once, in MB, pages that they share counted
            once; 0 when the run was over before they were looked at.
        forks: on how many hosts it worked at a time.
    """

    cpu_seconds: float
    memory_mb: int
    forks: int


@dataclass(frozen=True)
class Result(Mapping[str, HostResult]):
    """What one action did: a mapping from node name to `HostResult`.

    Attributes:
        action: what was asked.
        hosts: one entry per node.
        artifacts: directory of the run, None when nothing was kept.
        started: when the run began, seconds since the epoch.
        seconds: how long it took.
        error: why the run as a whole went wrong (timed out, playbook refused), else "".
        cost: what it took of the controller, None when nothing was run.
        parts: for an action that is several, what became of each.

    Example:
        >>> result = service.restart()
        >>> result["node-1.domain.tld"].changed
        True
    """

    action: Action
    hosts: Mapping[str, HostResult]
    artifacts: str | None = None
    started: float = 0.0
    seconds: float = 0.0
    error: str = ""
    cost: Cost | None = None
    parts: tuple[Result, ...] = ()

    def __getitem__(self, node: str) -> HostResult:
        return self.hosts[node]

    def __iter__(self) -> Iterator[str]:
        return iter(self.hosts)

    def __len__(self) -> int:
        return len(self.hosts)

    @property
    def changed(self) -> bool:
        """Whether anything changed on any node."""
        return any(host.changed for host in self.hosts.values())

    @property
    def records(self) -> tuple[Record, ...]:
        """The same as `Record`, in order of the node's names.

        Example:
            >>> [record.payload["stdout"] for record in nodes.run_task({"command": "hostname"}).records]
            ['node-1', 'node-2']
        """
        addresses = {node.fqdn: node.ip for node in self.action.nodes}
        return tuple(_record(addresses.get(name, name), self.hosts[name]) for name in sorted(self.hosts))

    @property
    def failures(self) -> tuple[HostResult, ...]:
        """The nodes that failed or could not be reached, in order of name."""
        return tuple(self.hosts[name] for name in sorted(self.hosts) if not self.hosts[name].ok)

    def raise_for_status(self) -> Result:
        """Return the result itself when every node did what was asked, else raise what fits.

        Raises:
            UndoError: a fault is still on a node after its undo.
            AnsibleExecutionUnreachable: no node could be reached.
            PartlyDone: some nodes did it, others did not; `PartlyUnreachable` when these could not be reached.
            NothingTargeted: the run reached no node at all.
            AnsibleExecutionException: every node failed, or the run as a whole did.
        """
        failures = self.failures
        if any(host.payload.get("undo_failed") for host in failures):
            raise UndoError(self._sentence(failures), self)
        if not failures and self.error:
            raise AnsibleExecutionException(f"{self.action} failed: {self.error}", self)
        if not self.hosts:
            raise NothingTargeted(f"{self.action}: the run matched no node, so nothing was done", self)
        if not failures:
            return self
        sentence = self._sentence(failures)
        silent = all(host.status is Status.UNREACHABLE for host in failures)
        if len(failures) < len(self.hosts):
            raise (PartlyUnreachable if silent else PartlyDone)(sentence, self)
        raise (AnsibleExecutionUnreachable if silent else AnsibleExecutionException)(sentence, self)

    def _sentence(self, failures: tuple[HostResult, ...]) -> str:
        parts = [
            f"{host.node} {'could not be reached' if host.status is Status.UNREACHABLE else 'failed'}"
            f"{': ' + host.message if host.message else ''}"
            for host in failures
        ]
        done = len(self.hosts) - len(failures)
        tail = f" ({done} of {len(self.hosts)} nodes did it)" if done else ""
        return f"{self.action}: {'; '.join(parts)}{tail}"


def _record(address: str, host: HostResult) -> Record:
    output = {"msg": host.message, "stdout": host.stdout, "stderr": host.stderr, "rc": host.rc}
    payload = {**host.payload, **{key: value for key, value in output.items() if value not in (None, "")}}
    payload.setdefault("stdout_lines", host.stdout.splitlines())
    return Record(address, host.status.name, host.task, {"stdout": "", "changed": host.changed, **payload})
