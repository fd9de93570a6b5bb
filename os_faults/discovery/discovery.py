"""Discovery: asks the seed nodes once. Silent nodes come from the last discovery."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import replace

from os_faults import actions
from os_faults.discovery.identity import identify
from os_faults.discovery.last_seen import LastSeen
from os_faults.drivers import CloudDriver, PowerDriver
from os_faults.drivers.machines import Machines
from os_faults.errors import (
    AnsibleExecutionException,
    AnsibleExecutionUnreachable,
    CloudManagementError,
    NodeCollectionError,
    OSFError,
    PartlyDone,
    PartlyUnreachable,
    did_you_mean,
)
from os_faults.model import Action, Claim, Node, Result, Status
from os_faults.system.text import as_counted

LOG = logging.getLogger(__name__)

#: Seconds for which the answers of the nodes count as current.
_FRESH = 5.0


class Discovery:
    """The nodes of a cloud.

    Args:
        driver: the cloud driver: knows the seeds, and reads their answers.
        run: runs an action and returns the result of each node, success or failure.
        last_seen: the last discovery.
        power: the power drivers; the first that knows a node is used.
    """

    def __init__(
        self,
        driver: CloudDriver,
        run: Callable[[Action], Result],
        last_seen: LastSeen,
        power: Iterable[PowerDriver] = (),
    ) -> None:
        self._driver = driver
        self._run = run
        self._last_seen = last_seen
        self._power = tuple(power)
        self._lock = threading.Lock()
        self._answer: tuple[tuple[Node, ...], Result] | None = None
        self._seeds: tuple[Node, ...] = driver.seeds()
        self._asked = 0.0

    def __str__(self) -> str:
        count = "nodes not asked yet" if self._answer is None else f"{len(self.known())} nodes"
        return f"{self.driver_name}, {count}"

    @property
    def driver_name(self) -> str:
        """The name of the cloud's driver."""
        return self._driver.NAME

    def nodes(self) -> tuple[Node, ...]:
        """Return every node of the cloud; the first call asks the nodes.

        Raises:
            AnsibleExecutionUnreachable, PartlyDone: a seed did not answer. It is never left out silently.
            CloudManagementError: the answer of a seed can't be used.
        """
        nodes, result = self._ask_once()
        if result.failures:
            raise self._incomplete(result, nodes)
        return nodes

    def known(self) -> dict[str, Node]:
        """Return all nodes by name; silent nodes as in the last discovery, or by their address."""
        nodes, _ = self._ask_once()
        known = {node.fqdn: node for node in nodes}
        return {**known, **{node.fqdn: node for node in self._silent(known)}}

    def named(self, names: Iterable[str]) -> tuple[Node, ...]:
        """Return the nodes with these names, or addresses.

        Raises:
            NodeCollectionError: a name is not known.
            AnsibleExecutionUnreachable, PartlyDone: a name is not known, and a node did not answer.
        """
        names, known = tuple(names), self.known()
        by_name = {**{node.ip: node for node in known.values()}, **known}
        if unknown := [name for name in names if name not in by_name]:
            self.nodes()  # a node that did not answer is the better reason
            raise NodeCollectionError(f"no node {unknown[0]!r} in the cloud: {did_you_mean(unknown[0], known)}")
        return tuple(by_name[name] for name in names)

    def machines(self) -> Machines:
        """Return the machines of the nodes, from the current knowledge of the nodes."""
        return Machines(self._power, self._driver.seeds(), self.known().values() if self._power else ())

    def verify(self) -> Result:
        """Check every node; a node with an unusable discovery counts as failed."""
        nodes = sorted(self.known().values(), key=lambda node: as_counted(node.fqdn))
        result = self._run(actions.for_playbook("verify.yml", nodes, verb="verify", subject="the nodes"))
        refused = {
            name: replace(result[name], status=Status.FAILED, message=why)
            for name, why in self.refused().items()
            if name in result  # a run that failed as a whole has no nodes
        }
        return replace(result, hosts={**result.hosts, **refused})

    def refused(self) -> dict[str, str]:
        """Return the nodes with an unusable answer: name as in `known` → reason."""
        nodes, result = self._ask_once()
        why = {seed.ip: result[seed.fqdn] for seed in self._seeds if seed.fqdn in result}
        silent = self._silent({node.fqdn for node in nodes})
        return {node.fqdn: why[node.ip].message for node in silent if why[node.ip].payload.get("refused")}

    def _silent(self, known: Container[str]) -> list[Node]:
        """Return the nodes that did not answer, as in the last discovery, or by their address.

        Args:
            known: the names of the nodes that answered.
        """
        failed = {host.node for host in self._ask_once()[1].failures}
        silent = {seed.ip: seed for seed in self._seeds if seed.fqdn in failed}
        before = self._last_seen.recall({address: seed.auth for address, seed in silent.items()})
        remembered = {node.ip: node for node in before.values() if node.fqdn not in known}
        return [remembered.get(address) or replace(seed, last_seen="never") for address, seed in silent.items()]

    def unreachable(self) -> Mapping[str, str]:
        """Return the seeds that did not answer: address → reason."""
        return {host.node: host.message for host in self._ask_once()[1].failures}

    def claims_of_others(self, by: str) -> list[Claim]:
        """Return the faults of other users than ``by`` that block us.

        An older report may be out of date: its node is asked again before it blocks anybody.
        """
        nodes, result = self._ask_once()
        by_address = {node.ip: node.fqdn for node in nodes}
        others = _claims(result, by, {seed.fqdn: by_address.get(seed.ip, seed.fqdn) for seed in self._seeds})
        if others and time.monotonic() - self._asked > _FRESH:
            names = {claim.node for claim in others}
            others = _claims(self.ask(tuple(node for name, node in self.known().items() if name in names)), by)
        return others

    def ask(self, nodes: tuple[Node, ...]) -> Result:
        """Ask nodes now for their identity, services and containers."""
        return self._run(self._action(nodes))

    def forget(self) -> None:
        """Ask again at the next call."""
        self._answer = None

    def _ask_once(self) -> tuple[tuple[Node, ...], Result]:
        with self._lock:
            if self._answer is None:
                self._seeds = self._list_seeds()
                result = self.ask(self._seeds)
                if not result.hosts:
                    result.raise_for_status()
                nodes, result = self._understand(result)
                for host in result.failures:
                    if host.status is not Status.UNREACHABLE:
                        LOG.warning("%s could not be discovered: %s", host.node, host.message)
                self._last_seen.remember(nodes)
                self._answer = nodes, result
                self._asked = time.monotonic()
            return self._answer

    def _list_seeds(self) -> tuple[Node, ...]:
        """Return the seeds, from the configuration or from the cloud's directory.

        Raises:
            AnsibleExecutionException: the directory did not answer.
            CloudManagementError: its answer can't be used.
        """
        directory = self._driver.directory()
        if directory is None:
            return self._driver.seeds()
        action = actions.for_playbook(
            directory.playbook, (directory.node,), verb="list", subject="the nodes", **directory.arguments
        )
        told = self._run(action).raise_for_status()[directory.node.fqdn]
        seeds = self._driver.listed(told)
        return (*seeds, *self._last_known(self._driver.left_out(told), seeds))

    def _last_known(self, left_out: Mapping[str, str], seeds: tuple[Node, ...]) -> Iterator[Node]:
        """Yield the members that the directory can't describe and that an earlier discovery found.

        Each is named in a warning. Its login is that of the other members.
        """
        addresses = {seed.ip for seed in seeds}
        for name, why in left_out.items():
            node = self._last_seen.named(name)
            if node is None or node.ip in addresses:
                LOG.warning("%s; it is left out", why)
                continue
            LOG.warning("%s; it is asked at its last known address %s", why, node.ip)
            yield Node(name, node.ip, node.mac, auth=seeds[0].auth)

    def _understand(self, result: Result) -> tuple[tuple[Node, ...], Result]:
        """Return the nodes, and the result, where an unusable answer counts as a failure of its host.

        A host that answers nonsense must not prevent the healing of the others.
        """
        answered = {name: host for name, host in result.items() if host.ok}
        remembered = self._last_seen.recall({seed.ip: seed.auth for seed in self._seeds})
        nodes, refused = identify(self._driver.nodes, answered, self._seeds, remembered)
        unusable = {
            name: replace(result[name], status=Status.FAILED, message=why, payload={"refused": True}, answered=False)
            for name, why in refused.items()
        }
        return nodes, replace(result, hosts={**result.hosts, **unusable})

    def _action(self, nodes: tuple[Node, ...]) -> Action:
        return actions.for_playbook(self._driver.discover_playbook, nodes, verb="discover", subject="the cloud")

    def _incomplete(self, result: Result, answered: tuple[Node, ...]) -> OSFError:
        known = self.known()
        last = {node.ip: node for node in known.values() if node.last_seen}
        seeds = {seed.fqdn: seed for seed in self._seeds}
        parts = []
        for host in result.failures:
            before = last[seeds[host.node].ip]
            name = before.fqdn if before.fqdn == host.node else f"{before.fqdn} ({host.node})"
            name += "" if before.last_seen == "never" else f", last seen {before.last_seen},"
            what = "could not be reached" if host.status is Status.UNREACHABLE else "failed"
            parts.append(f"{name} {what}: {host.message}")
        hint = "; name the nodes you mean with get_nodes(fqdns=[…]) to go on without the others" if answered else ""
        sentence = f"the cloud's discovery is not complete: {'; '.join(parts)}{hint}"
        if any(host.payload.get("refused") for host in result.failures):
            return CloudManagementError(sentence)
        silent = all(host.status is Status.UNREACHABLE for host in result.failures)
        if answered:
            return (PartlyUnreachable if silent else PartlyDone)(sentence, result)
        return (AnsibleExecutionUnreachable if silent else AnsibleExecutionException)(sentence, result)


def _claims(result: Result, by: str, names: Mapping[str, str] | None = None) -> list[Claim]:
    """Return the claims of other users than ``by``.

    Args:
        result: the answers of the nodes.
        by: the acting user.
        names: name in the result → name of the node; the same name when left out.
    """
    return [
        Claim(node=(names or {}).get(host.node, host.node), **claim)
        for host in result.values()
        if host.ok
        for claim in host.payload.get("claims", ())
        if claim["by"] != by
    ]
