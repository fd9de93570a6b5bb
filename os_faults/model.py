"""The nouns of os_faults: frozen values without any I/O.

`Node` and `Auth` say what a host is and how to log in to it, `Action` says what is to be done,
`HostResult` and `Result` say what happened, `Fault` is one fault that a host holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import ip_address
from typing import Any

from os_faults.errors import (
    AnsibleExecutionException,
    AnsibleExecutionUnreachable,
    CloudManagementError,
    NothingTargeted,
    PartlyDone,
    PartlyUnreachable,
    UndoError,
)

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
#: What Linux allows, but for braces, quotes, blanks and what a program could take for an option.
_INTERFACE = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@~+#:=!-]{0,31}")
_GROUPS = frozenset({"all", "ungrouped"})


def plain_name(value: str, what: str = "name") -> str:
    """Return ``value`` when it is a plain host name, else refuse it.

    Ansible treats inventory values as templates, so a host that reports a name with ``{{`` in it
    could run code on the controller.

    Raises:
        CloudManagementError: the value is not a plain name.
    """
    if not _NAME.fullmatch(value):
        raise CloudManagementError(
            f"refused the {what} {value!r} that a host reported: only letters, digits, '.', '-' and '_' are allowed"
        )
    return value


def host_name(value: str) -> str:
    """Return ``value`` when it can be the name of a node, else refuse it.

    Raises:
        CloudManagementError: it is no plain name, or that of a group in our inventories: Ansible would take the node
            for all of them, or all of them for the node.
    """
    if value.lower() in _GROUPS or value.lower().startswith("service_"):
        raise CloudManagementError(f"refused the host name {value!r}: it is the name of a group of hosts")
    return plain_name(value, "host name")


def plain_interface(value: str) -> str:
    """Return ``value`` when it is a plain interface name, else raise `CloudManagementError`."""
    if not _INTERFACE.fullmatch(value):
        raise CloudManagementError(f"refused the interface name {value!r} that a host reported")
    return value


def plain_mac(value: str) -> str:
    """Return a MAC address in lower case, or raise `CloudManagementError`."""
    mac = value.lower()
    if not _MAC.fullmatch(mac):
        raise CloudManagementError(f"refused the MAC address {value!r} that a host reported")
    return mac


@dataclass(frozen=True)
class Jump:
    """The jump host through which a node is reached.

    Attributes:
        host: name or address.
        username: who logs in there; the node's user when None.
        private_key_file: path of the key; ssh's own choice when None.
        port: TCP port of its sshd; 22 when None.
    """

    host: str
    username: str | None = None
    private_key_file: str | None = None
    port: int | None = None


@dataclass(frozen=True)
class Auth:
    """How to log in to a node and how to become root there.

    Attributes:
        username: the ssh user; the present user when None.
        password: the ssh password (needs ``sshpass``); never shown in ``repr``.
        private_key_file: path of the private key; agent and ssh defaults when None.
        port: TCP port of sshd; 22 when None.
        connection: Ansible's connection plugin, ``ssh`` or ``local``.
        python: path of the Python interpreter on the node.
        become: whether verbs become another user (root by default).
        become_method: Ansible's become plugin.
        become_username: whom to become.
        become_password: the password that become asks for; never shown in ``repr``.
        jump: the host to go through.
    """

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    private_key_file: str | None = None
    port: int | None = None
    connection: str = "ssh"
    python: str = "/usr/bin/python3"
    become: bool = False
    become_method: str = "sudo"
    become_username: str = "root"
    become_password: str | None = field(default=None, repr=False)
    jump: Jump | None = None


@dataclass(frozen=True)
class Interface:
    """A network interface as a node reported it."""

    name: str
    mac: str | None = None
    addresses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        plain_interface(self.name)
        if self.mac is not None:
            object.__setattr__(self, "mac", plain_mac(self.mac))
        for address in self.addresses:
            _plain_address(address)


@dataclass(frozen=True)
class Node:
    """A host of the cloud. Nodes are equal when name, address and MAC are.

    Attributes:
        fqdn: its full name; also its name in the inventory.
        ip: the address (or resolvable name) that ssh connects to.
        mac: MAC address of the interface that has ``ip``, in lower case.
        interfaces: all interfaces the node reported.
        units: service name → systemd units (or other handles) found on the node.
        containers: the containers found on the node, by the names that the configuration gives them.
        auth: how to log in.
        libvirt_name: name of its domain under libvirt, where the configuration tells it.
        roles: what it is in the cloud (``controller``, ``compute``), where the cloud tells it.
        last_seen: when it last answered, ISO 8601; None when it answered in this session.

    Raises:
        CloudManagementError: a field is not plain (see `plain_name`).
    """

    fqdn: str
    ip: str
    mac: str | None = None
    interfaces: tuple[Interface, ...] = field(default=(), compare=False, repr=False)
    units: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)
    containers: tuple[str, ...] = field(default=(), compare=False, repr=False)
    auth: Auth = field(default=Auth(), compare=False, repr=False)
    libvirt_name: str | None = field(default=None, compare=False, repr=False)
    roles: tuple[str, ...] = field(default=(), compare=False, repr=False)
    last_seen: str | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        host_name(self.fqdn)
        _plain_address(self.ip)
        if self.mac is not None:
            object.__setattr__(self, "mac", plain_mac(self.mac))

    @property
    def addresses(self) -> list[str]:
        """Every address by which others reach it: the one that ssh connects to, and those of its interfaces."""
        reported = (address for interface in self.interfaces for address in interface.addresses)
        return list(dict.fromkeys([self.ip, *(address for address in reported if not _is_loopback(address))]))


def _is_loopback(address: str) -> bool:
    return ip_address(address.partition("%")[0]).is_loopback


def _plain_address(value: str) -> str:
    address, _, scope = value.partition("%")
    try:
        ip_address(address)
    except ValueError:
        plain_name(value, "address")
    if scope:
        plain_interface(scope)
    return value


_END = 60.0
"""Seconds of a run's deadline that are left, a quarter at most, when a host has been at one task for too long."""


@dataclass(frozen=True)
class Action:
    """One verb on one subject: what a single playbook run does.

    Attributes:
        verb: the word, as in the contract's choices (``restart``).
        playbook: file name of the bundled playbook (``service_state.yml``), or "" for ad-hoc tasks.
        nodes: whom it is done to; never empty.
        arguments: the playbook's options, as extra variables.
        subject: what it is done to, for people: ``keystone service`` or ``nodes``.
        tasks: for an ad-hoc action, Ansible tasks as data.
        harmless: whether it only reads, or heals.
        undo: the verb that takes back what it leaves; None when it leaves nothing.
        from_outside: whether it is done to the machines of the nodes, which may be off.
        breaks_connections: whether a kept ssh connection may lead to a host that is gone afterwards.
        hits: what the fault that it leaves is done to, as the nodes tell it (`Fault.subject`); "" when a node can have
            one of the verb only.
        timeout: seconds until the run is stopped.
        breaks: whether it breaks something, so that guard rails hold for it.
        among: how many nodes it could be done to: those that have the service; 0 means all nodes of the cloud.
        limit: what this call limits it to, a number of nodes or a share (``50%``); None when it says nothing.
        check_mode: run with ``--check``: nothing is changed on any host.
        parts: several actions that this one is, in order; it has neither playbook nor tasks then.
        known: variables of the run that the playbook would work out for each node anew, though they are the same for
            all.
    """

    verb: str
    playbook: str
    nodes: tuple[Node, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    subject: str = "nodes"
    tasks: tuple[Mapping[str, Any], ...] = ()
    harmless: bool = False
    undo: str | None = None
    from_outside: bool = False
    breaks_connections: bool = False
    hits: str = ""
    timeout: float = 600.0
    breaks: bool = False
    among: int = 0
    limit: int | str | None = None
    check_mode: bool = False
    parts: tuple[Action, ...] = ()
    known: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def variables(self) -> dict[str, Any]:
        """All extra variables of the run of a playbook; with them, for how many seconds a host may be at one task."""
        patience = (
            {"os_faults_patience": max(1, round(self.timeout - min(_END, self.timeout / 4)))} if self.playbook else {}
        )
        return {**patience, **self.known, **self.arguments}

    def __str__(self) -> str:
        return f"{self.verb} {self.subject}"

    def play(self) -> dict[str, Any]:
        """Return the play of an ad-hoc action, as data."""
        return {
            "name": str(self),
            "hosts": "all",
            "gather_facts": False,
            "tasks": [dict(task) for task in self.tasks],
        }


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
    said = {"msg": host.message, "stdout": host.stdout, "stderr": host.stderr, "rc": host.rc}
    payload = {**host.payload, **{key: value for key, value in said.items() if value not in (None, "")}}
    payload.setdefault("stdout_lines", host.stdout.splitlines())
    return Record(address, host.status.name, host.task, {"stdout": "", "changed": host.changed, **payload})


@dataclass(frozen=True)
class Claim:
    """A fault by which somebody keeps others away from a node, as the node tells it.

    Attributes:
        node: name of the node.
        by: who made the fault, ``user@controller``.
        fault: the verb.
        subject: what it was done to.
        since: when it began, seconds since the epoch.
        until: until when it keeps others away, likewise.
    """

    node: str
    by: str
    fault: str
    subject: str
    since: float
    until: float


@dataclass(frozen=True)
class Fault:
    """A fault that a node holds at this moment, as the node itself tells, or the controller's journal where it can't.

    Attributes:
        node: name of the node.
        id: its identity (``freeze-keystone`` on its node, ``poweroff-node-1``).
        verb: the verb that made it.
        subject: what it was done to.
        state: ``armed``, ``injected`` or ``undo_failed``; ``held`` when the node is off or cut off.
        since: when it began, or begins when it is armed, seconds since the epoch.
        until: when it ends by itself, seconds since the epoch; None when it has no end.
        by: who made it, ``user@controller``.
        detail: the record as the node or the journal keeps it.
    """

    node: str
    id: str
    verb: str
    subject: str
    state: str
    since: float
    until: float | None = None
    by: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
