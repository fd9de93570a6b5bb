"""Who is in the cloud: asks the seed nodes once, and knows them from the last time where they are silent."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Container, Iterable, Mapping
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

LOG = logging.getLogger(__name__)

#: Seconds for which what the nodes told is taken for the present.
_FRESH = 5.0


class Discovery:
    """The nodes of a cloud.

    Args:
        driver: whom to ask, and what their answers mean.
        run: runs an action and returns what became of it on each node, whatever that is.
        last_seen: the last discovery.
        power: the power drivers, in the order in which they are asked.
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

    def nodes(self) -> tuple[Node, ...]:
        """Return every node of the cloud; asks them at the first call.

        Raises:
            AnsibleExecutionUnreachable, PartlyDone: a seed did not answer. It is never just left out.
            CloudManagementError: what a seed answered can't be used.
        """
        nodes, result = self._ask_once()
        if result.failures:
            raise self._incomplete(result, nodes)
        return nodes

    def known(self) -> dict[str, Node]:
        """Return the nodes by name: those that answered, and the others as they were last, or by their address."""
        nodes, _ = self._ask_once()
        known = {node.fqdn: node for node in nodes}
        return {**known, **{node.fqdn: node for node in self._silent(known)}}

    def named(self, names: Iterable[str]) -> tuple[Node, ...]:
        """Return the nodes with these names, or addresses.

        Raises:
            NodeCollectionError: one is not known.
            AnsibleExecutionUnreachable, PartlyDone: one is not known, and a node did not answer.
        """
        names, known = tuple(names), self.known()
        by_name = {**{node.ip: node for node in known.values()}, **known}
        if unknown := [name for name in names if name not in by_name]:
            self.nodes()  # a node that did not answer is the better reason
            raise NodeCollectionError(f"no node {unknown[0]!r} in the cloud: {did_you_mean(unknown[0], known)}")
        return tuple(by_name[name] for name in names)

    def machines(self) -> Machines:
        """Return the machines of the nodes, by what is known of these now."""
        return Machines(self._power, self._driver.seeds(), self.known().values() if self._power else ())

    def verify(self) -> Result:
        """Ask every node whether it can be used; one whose discovery can't be used has failed."""
        nodes = sorted(self.known().values(), key=lambda node: node.fqdn)
        result = self._run(actions.for_playbook("verify.yml", nodes, verb="verify", subject="the nodes"))
        refused = {
            name: replace(result[name], status=Status.FAILED, message=why)
            for name, why in self.refused().items()
            if name in result  # a run that went wrong as a whole has nobody
        }
        return replace(result, hosts={**result.hosts, **refused})

    def refused(self) -> dict[str, str]:
        """Return the nodes whose answer can't be used, by the name that `known` gives them, and why."""
        nodes, result = self._ask_once()
        why = {seed.ip: result[seed.fqdn] for seed in self._seeds if seed.fqdn in result}
        silent = self._silent({node.fqdn for node in nodes})
        return {node.fqdn: why[node.ip].message for node in silent if why[node.ip].payload.get("refused")}

    def _silent(self, known: Container[str]) -> list[Node]:
        """Return the nodes that did not answer, as they were last, or by their address.

        Args:
            known: names that others have.
        """
        failed = {host.node for host in self._ask_once()[1].failures}
        silent = {seed.ip: seed for seed in self._seeds if seed.fqdn in failed}
        before = self._last_seen.recall({address: seed.auth for address, seed in silent.items()})
        remembered = {node.ip: node for node in before.values() if node.fqdn not in known}
        return [remembered.get(address) or replace(seed, last_seen="never") for address, seed in silent.items()]

    def unreachable(self) -> Mapping[str, str]:
        """Return the seeds that did not answer, and why."""
        return {host.node: host.message for host in self._ask_once()[1].failures}

    def claims_of_others(self, by: str) -> list[Claim]:
        """Return by what others than ``by`` keep us away.

        What a node told some time ago may be over: before somebody is refused for it, the node is asked again.
        """
        nodes, result = self._ask_once()
        by_address = {node.ip: node.fqdn for node in nodes}
        others = _claims(result, by, {seed.fqdn: by_address.get(seed.ip, seed.fqdn) for seed in self._seeds})
        if others and time.monotonic() - self._asked > _FRESH:
            names = {claim.node for claim in others}
            others = _claims(self.ask(tuple(node for name, node in self.known().items() if name in names)), by)
        return others

    def ask(self, nodes: tuple[Node, ...]) -> Result:
        """Ask nodes now what they are and what runs on them."""
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
                        LOG.warning("%s did not say what it is: %s", host.node, host.message)
                self._last_seen.remember(nodes)
                self._answer = nodes, result
                self._asked = time.monotonic()
            return self._answer

    def _list_seeds(self) -> tuple[Node, ...]:
        """Return whom to ask: as the configuration says, or as the cloud's directory does.

        Raises:
            AnsibleExecutionException: the directory did not answer.
            CloudManagementError: what it answered can't be used.
        """
        directory = self._driver.directory()
        if directory is None:
            return self._driver.seeds()
        action = actions.for_playbook(
            directory.playbook, (directory.node,), verb="list", subject="the nodes", **directory.arguments
        )
        result = self._run(action).raise_for_status()
        return self._driver.listed(result[directory.node.fqdn])

    def _understand(self, result: Result) -> tuple[tuple[Node, ...], Result]:
        """Return the nodes, and the result in which an answer that can't be used counts as a failure of its host.

        One host that answers nonsense must not stand in the way of healing all others.
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
            who = before.fqdn if before.fqdn == host.node else f"{before.fqdn} ({host.node})"
            who += "" if before.last_seen == "never" else f", last seen {before.last_seen},"
            what = "could not be reached" if host.status is Status.UNREACHABLE else "failed"
            parts.append(f"{who} {what}: {host.message}")
        hint = "; name the nodes you mean with get_nodes(fqdns=[…]) to go on without the others" if answered else ""
        sentence = f"the cloud's discovery is not complete: {'; '.join(parts)}{hint}"
        if any(host.payload.get("refused") for host in result.failures):
            return CloudManagementError(sentence)
        silent = all(host.status is Status.UNREACHABLE for host in result.failures)
        if answered:
            return (PartlyUnreachable if silent else PartlyDone)(sentence, result)
        return (AnsibleExecutionUnreachable if silent else AnsibleExecutionException)(sentence, result)


def _claims(result: Result, by: str, names: Mapping[str, str] | None = None) -> list[Claim]:
    """Return what others than ``by`` hold.

    Args:
        result: what the nodes answered.
        by: who asks.
        names: of the nodes, by the names under which they were asked; the same when left out.
    """
    return [
        Claim(node=(names or {}).get(host.node, host.node), **claim)
        for host in result.values()
        if host.ok
        for claim in host.payload.get("claims", ())
        if claim["by"] != by
    ]
