"""The results of an action: one entry per node."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, overload

from os_faults.errors import (
    AnsibleExecutionException,
    AnsibleExecutionUnreachable,
    NothingTargeted,
    OSFError,
    PartlyDone,
    PartlyUnreachable,
    UndoError,
    of_both,
)
from os_faults.model.action import Action
from os_faults.system.text import aligned, as_counted, printable


class Status(str, Enum):
    """The status of a node after a run."""

    OK = "ok"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    SKIPPED = "skipped"
    IGNORED = "ignored"
    """The task failed, but its ``ignore_errors`` makes this no failure of the run."""


@dataclass(frozen=True)
class HostResult:
    """The result of a run on one node.

    Attributes:
        node: name of the node.
        status: see `Status`.
        changed: whether anything changed on the node.
        message: the module's own message, or the reason of the failure.
        stdout: output of the task, if it has one.
        stderr: error output of the task, if it has one.
        rc: exit code of the task's command, if it has one.
        payload: everything else that the module returned.
        task: name of the task that the result comes from.
        answered: whether the actions of the node are known, as a rule from a usable answer. False for a node that
            could not be reached, died or answered nonsense: it may have done any part of the task.
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
        """The node's name, under the attribute of older versions."""
        return self.node

    @property
    def ok(self) -> bool:
        """Whether the action succeeded on the node (an ignored failure and a skip count as success)."""
        return self.status in (Status.OK, Status.SKIPPED, Status.IGNORED)

    @property
    def change(self) -> str:
        """The word ``changed`` or ``unchanged``."""
        return "changed" if self.changed else "unchanged"

    @property
    def summary(self) -> str:
        """One line for people: the module's message, its notes, the undone faults, the end of a fault."""
        notes = [self.message, *self.payload.get("notes", ())]
        if undone := self.payload.get("undone"):
            notes.append(f"took back {', '.join(undone)}")
        if (until := self.payload.get("until")) and self.payload.get("state") in ("armed", "injected"):
            notes.append(f"ends by itself at {time.strftime('%H:%M:%S', time.localtime(until))}")
        return printable("; ".join(" ".join(str(part).split()) for part in notes if part))


@dataclass(frozen=True)
class Record:
    """The result of a run on one node, in the form of versions before 1.0.

    Attributes:
        host: the address of the node.
        status: ``OK``, ``FAILED``, ``UNREACHABLE``, ``SKIPPED``, or ``IGNORED`` for a failure that the task allows.
        task: name of the task.
        payload: everything that the module returned, with ``stdout``, ``stdout_lines`` and ``rc``.
    """

    host: str
    status: str
    task: str
    payload: Mapping[str, Any]


class RecordName(str):
    """The name of a node, as a loop over the `Result` of ``run_task`` yields it; it has the attributes of its `Record`.

    Programs of 0.3 loop over records, present ones over names; this is both.
    """

    _record: Record

    @classmethod
    def of(cls, name: str, record: Record) -> RecordName:
        """Return the name of a node with its record."""
        found = cls(name)
        found._record = record
        return found

    @property
    def host(self) -> str:
        """The address of the node, see `Record`."""
        return self._record.host

    @property
    def status(self) -> str:
        """The status of the node, see `Record`."""
        return self._record.status

    @property
    def task(self) -> str:
        """The name of the task, see `Record`."""
        return self._record.task

    @property
    def payload(self) -> Mapping[str, Any]:
        """What the module returned, see `Record`."""
        return self._record.payload


@dataclass(frozen=True)
class Cost:
    """The cost of a run on the controller.

    Attributes:
        cpu_seconds: processor time of this process and its descendants during the run. Simultaneous runs each count
            the time of all.
        memory_mb: peak memory of the descendants of this process, in MB; shared pages count once. 0 when the run was
            over before the first measurement.
        forks: number of hosts at a time.
    """

    cpu_seconds: float
    memory_mb: int
    forks: int


@dataclass(frozen=True, repr=False)
class Result(Mapping[str, HostResult]):
    """The result of one action: a mapping from node name to `HostResult`; printed, it is a table.

    As the list of `Record` that it was before 1.0 it also has positions: ``result[0].payload["stdout"]``. A loop over
    the result of ``run_task`` yields each name as a `RecordName`, which programs of 0.3 read as a record. A loop yields
    the names as people count: ``node-2`` before ``node-10``.

    Attributes:
        action: the action.
        hosts: one entry per node.
        artifacts: directory of the run, None when nothing was kept.
        started: start of the run, seconds since the epoch.
        seconds: duration of the run.
        error: reason for a failure of the whole run (timed out, playbook refused), else "".
        cost: cost on the controller, None when nothing was run.
        parts: for a merged action, the result of each part.

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

    @overload
    def __getitem__(self, node: str) -> HostResult: ...
    @overload
    def __getitem__(self, node: int) -> Record: ...
    def __getitem__(self, node: str | int) -> HostResult | Record:
        return self.records[node] if isinstance(node, int) else self.hosts[node]

    def __iter__(self) -> Iterator[str]:
        if not self.action.tasks:
            return iter(self._names)
        return iter([RecordName.of(name, record) for name, record in zip(self._names, self.records, strict=True)])

    def __contains__(self, node: object) -> bool:
        return node in self.hosts

    def __len__(self) -> int:
        return len(self.hosts)

    def keys(self) -> KeysView[str]:
        """Return the names of the nodes."""
        return self.hosts.keys()

    def items(self) -> ItemsView[str, HostResult]:
        """Return the names of the nodes with their results."""
        return self.hosts.items()

    def values(self) -> ValuesView[HostResult]:
        """Return the results of the nodes."""
        return self.hosts.values()

    def __repr__(self) -> str:
        return f"Result({self._summary})"

    def __str__(self) -> str:
        return "\n".join([self._summary, *(f"  {line}" for line in aligned(self.rows))])

    @property
    def rows(self) -> list[list[str]]:
        """Name, status, change and message of each node, for people."""
        hosts = [self.hosts[name] for name in self._names]
        return [[host.node, host.status.value, host.change, host.summary] for host in hosts]

    @property
    def _summary(self) -> str:
        try:
            counts = Counter(host.status.value for host in self.hosts.values())
        except OSFError:
            return f"{self.action}: not done yet"
        parts = [f"{count} {status}" for status, count in counts.items()] or ["no node"]
        failure = f"; {printable(self.error)}" if self.error else ""
        return f"{self.action}: {', '.join(parts)}, {self.seconds:.1f} s{failure}"

    @property
    def _names(self) -> list[str]:
        """The names of the nodes as people count: ``node-2`` before ``node-10``."""
        return sorted(self.hosts, key=as_counted)

    @property
    def changed(self) -> bool:
        """Whether anything changed on any node."""
        return any(host.changed for host in self.hosts.values())

    @property
    def records(self) -> tuple[Record, ...]:
        """The same results as `Record`, in order of node names.

        Example:
            >>> [record.payload["stdout"] for record in nodes.run_task({"command": "hostname"}).records]
            ['node-1', 'node-2']
        """
        addresses = {node.fqdn: node.ip for node in self.action.nodes}
        return tuple(_record(addresses.get(name, name), self.hosts[name]) for name in self._names)

    @property
    def failures(self) -> tuple[HostResult, ...]:
        """The nodes that failed or could not be reached, in order of name."""
        return tuple(self.hosts[name] for name in self._names if not self.hosts[name].ok)

    def raise_for_status(self) -> Result:
        """Return the result itself if the action succeeded on every node, else raise the fitting error.

        Raises:
            UndoError: a fault is still on a node after its undo.
            AnsibleExecutionUnreachable: no node could be reached.
            PartlyDone: the action failed on some nodes; `PartlyUnreachable` when these could not be reached.
            NothingTargeted: the run matched no node at all.
            AnsibleExecutionException: the action failed on every node, or the run as a whole failed.
        """
        failures = self.failures
        if not failures and self.hosts and not self.error:
            return self
        error, sentence = self._failure(failures)
        family = self.action.family
        raise (of_both(error, family) if family else error)(sentence, self)

    def _failure(
        self, failures: tuple[HostResult, ...]
    ) -> tuple[type[AnsibleExecutionException] | type[UndoError], str]:
        """Return the class and the sentence of the error for these failures, or for a run that failed as a whole."""
        if any(host.payload.get("undo_failed") for host in failures):
            return UndoError, self._sentence(failures)
        if not failures and self.error:
            return AnsibleExecutionException, f"{self.action} failed: {self.error}"
        if not failures:
            return NothingTargeted, f"{self.action}: the run matched no node, so nothing was done"
        silent = all(host.status is Status.UNREACHABLE for host in failures)
        partly, wholly = (
            (PartlyUnreachable, AnsibleExecutionUnreachable) if silent else (PartlyDone, AnsibleExecutionException)
        )
        return partly if len(failures) < len(self.hosts) else wholly, self._sentence(failures)

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
