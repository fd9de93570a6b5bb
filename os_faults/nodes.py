"""A set of nodes, and what can be done to them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import Any, Literal, Protocol, overload

from os_faults import actions
from os_faults.errors import ArgumentError, NodeCollectionError
from os_faults.model import Action, Node, Result

#: Seconds, or the word for a fault without an end; None leaves it to the connection.
Time = int | Literal["never"] | None


class Performer(Protocol):
    """What a collection needs of its cloud: somebody who performs actions.

    Attributes:
        rng: the source of randomness, seeded by ``connect(seed=)``.
        heal_after: seconds after which a fault ends by itself where the caller does not say.
    """

    rng: random.Random
    heal_after: int

    def perform(self, action: Action, *, check: bool = True) -> Result:
        """Do ``action``; raise when it was not achieved, unless ``check`` is False."""

    def check_network(self, name: str, nodes: Iterable[Node]) -> None:
        """Refuse a network that one of the nodes does not have, before anything is touched."""

    def get_nodes(self, fqdns: Iterable[str]) -> NodeCollection:
        """Return the nodes of the cloud with these names."""

    def check_power(self, verb: str, nodes: Iterable[Node]) -> None:
        """Refuse what no power driver can do to one of the nodes, before anything is touched."""


class NodeCollection(Set[Node]):
    """A set of nodes with set algebra, choice and the node verbs.

    Every verb returns a `Result` with one entry per node and raises when a node did not do it;
    with ``check=False`` the result is returned whatever it says.

    Example:
        >>> nodes = cloud.get_nodes()
        >>> (nodes - nodes.pick()).reboot()
        >>> [node.fqdn for node in nodes[:2]]
        ['node-1.domain.tld', 'node-2.domain.tld']
    """

    def __init__(self, nodes: Iterable[Node], performer: Performer) -> None:
        self._nodes = tuple(sorted(set(nodes), key=lambda node: (node.fqdn, node.ip)))
        self._performer = performer

    # -- a set, ordered by name ---------------------------------------------------------------

    def __contains__(self, node: object) -> bool:
        return node in self._nodes

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def __repr__(self) -> str:
        return f"NodeCollection({', '.join(node.fqdn for node in self._nodes)})"

    @overload
    def __getitem__(self, key: int) -> Node: ...
    @overload
    def __getitem__(self, key: slice) -> NodeCollection: ...
    def __getitem__(self, key: int | slice) -> Node | NodeCollection:
        """Return the node at a position, or the collection that a slice cuts out."""
        return self._of(self._nodes[key]) if isinstance(key, slice) else self._nodes[key]

    def __and__(self, other: object) -> NodeCollection:
        return self._of(node for node in self if node in self._same_cloud(other))

    def __or__(self, other: object) -> NodeCollection:
        return self._of([*self, *self._same_cloud(other)])

    def __sub__(self, other: object) -> NodeCollection:
        return self._of(node for node in self if node not in self._same_cloud(other))

    def __xor__(self, other: object) -> NodeCollection:
        return (self | other) - (self & other)

    __add__ = __or__
    # With anything but a node collection these refuse, on whichever side it stands.
    __rand__, __ror__, __rsub__, __rxor__ = __and__, __or__, __sub__, __xor__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeCollection) and self._nodes == other._nodes

    def __hash__(self) -> int:
        return hash(self._nodes)

    def _of(self, nodes: Iterable[Node]) -> NodeCollection:
        return NodeCollection(nodes, self._performer)

    def _same_cloud(self, other: object) -> NodeCollection:
        if not isinstance(other, NodeCollection):
            raise TypeError(f"a node collection combines with a node collection, not with {type(other).__name__}")
        if other._performer is not self._performer:
            raise NodeCollectionError("node collections of two different clouds can't be combined")
        return other

    # -- choosing -----------------------------------------------------------------------------

    @property
    def hosts(self) -> list[Node]:
        """The nodes as a list, ordered by name."""
        return list(self._nodes)

    def get_ips(self) -> list[str]:
        """Return the nodes' addresses, ordered by node name."""
        return [node.ip for node in self]

    def get_macs(self) -> list[str | None]:
        """Return the nodes' MAC addresses, ordered by node name; None where it is not known."""
        return [node.mac for node in self]

    def get_fqdns(self) -> list[str]:
        """Return the nodes' full names, ordered."""
        return [node.fqdn for node in self]

    def pick(self, count: int = 1) -> NodeCollection:
        """Return ``count`` nodes chosen at random, by the seed of the connection.

        Raises:
            NodeCollectionError: the collection has fewer nodes, or ``count`` is below 1.
        """
        if count not in range(1, len(self) + 1):
            raise NodeCollectionError(f"can't pick {count} of {len(self)} nodes")
        return self._of(self._performer.rng.sample(self._nodes, count))

    def filter(self, predicate: Callable[[Node], bool]) -> NodeCollection:
        """Return the nodes for which ``predicate`` is true.

        Raises:
            NodeCollectionError: there is none.
        """
        chosen = [node for node in self if predicate(node)]
        if not chosen:
            raise NodeCollectionError(f"none of the {len(self)} nodes fits the filter")
        return self._of(chosen)

    # -- verbs --------------------------------------------------------------------------------

    def reboot(self, wait: bool = True, wait_timeout: int = 600, *, check: bool = True) -> Result:
        """Reboot the nodes gracefully.

        Args:
            wait: return when every node runs with a new boot id; False returns at once.
            wait_timeout: seconds to wait for that.
            check: raise when a node did not do it.
        """
        return self._do("reboot", check, wait=wait, wait_timeout=wait_timeout)

    def poweroff(self, wait_timeout: int | None = None, *, check: bool = True) -> Result:
        """Cut the power of the nodes, and wait until they are off; `poweron` gives it back.

        Args:
            wait_timeout: seconds to wait for that; 300 when None.
            check: raise when a node did not do it.
        """
        return self._do("poweroff", check, wait_timeout=wait_timeout)

    def poweron(self, wait: bool = False, wait_timeout: int | None = None, *, check: bool = True) -> Result:
        """Give the nodes power.

        Args:
            wait: return when every node answers; False returns when its power is on, and its system starts meanwhile.
            wait_timeout: seconds to wait for that; 300 when None.
            check: raise when a node did not do it.
        """
        return self._do("poweron", check, wait=wait, wait_timeout=wait_timeout)

    def reset(self, wait: bool = False, wait_timeout: int | None = None, *, check: bool = True) -> Result:
        """Restart the nodes the hard way, by the reset button; a node that is off is refused.

        Args:
            wait: return when every node answers with a new boot id; False returns when the button was pressed.
            wait_timeout: seconds to wait for that; 300 when None.
            check: raise when a node did not do it.
        """
        return self._do("reset", check, wait=wait, wait_timeout=wait_timeout)

    def shutdown(self, wait_timeout: int | None = None, *, check: bool = True) -> Result:
        """Ask the nodes to shut down by the power button, and wait until they are off.

        Args:
            wait_timeout: seconds to wait for that; 300 when None.
            check: raise when a node did not do it.
        """
        return self._do("shutdown", check, wait_timeout=wait_timeout)

    def snapshot(
        self, snapshot_name: str, suspend: bool = True, wait_timeout: int | None = None, *, check: bool = True
    ) -> Result:
        """Save the nodes with their memory and their disks under a name, by their hypervisor.

        Args:
            snapshot_name: the name; one that is taken is refused.
            suspend: stop the nodes while they are saved; they go on afterwards.
            wait_timeout: seconds that it may take; 300 when None.
            check: raise when a node did not do it.
        """
        return self._do("snapshot", check, snapshot_name=snapshot_name, suspend=suspend, wait_timeout=wait_timeout)

    def revert(
        self, snapshot_name: str, resume: bool = True, wait_timeout: int | None = None, *, check: bool = True
    ) -> Result:
        """Take the nodes back to a snapshot; what they have done since is lost, on their disks too.

        Args:
            snapshot_name: the name of the snapshot.
            resume: let the nodes run afterwards; False leaves them suspended.
            wait_timeout: seconds that it may take; 300 when None.
            check: raise when a node did not do it.
        """
        return self._do("revert", check, snapshot_name=snapshot_name, resume=resume, wait_timeout=wait_timeout)

    def power_state(self) -> dict[str, str]:
        """Ask the machines of the nodes whether they are on; the nodes themselves are not asked.

        Returns:
            Name of the node → ``on`` or ``off``.

        Raises:
            PowerManagementError: no power driver knows a node.
            PartlyDone, AnsibleExecutionException: a machine could not be asked.
        """
        self._not_empty("power_state")
        self._performer.check_power("power_state", self)
        states = self._performer.perform(actions.power_state(self))
        return {name: str(host.payload["power_state"]) for name, host in states.items()}

    def oom(self, duration: int | None = None, *, check: bool = True) -> Result:
        """Fill the memory of the nodes until the kernel's OOM killer acts.

        Args:
            duration: seconds after which the memory is given back whether or not it has acted.
            check: raise when a node did not do it.
        """
        return self._do("oom", check, duration=duration)

    def end_oom(self, *, check: bool = True) -> Result:
        """Give back the memory that `oom` fills, if it is still at it."""
        return self._do("end_oom", check)

    def stress(self, target: str, duration: int | None = None, *, check: bool = True) -> Result:
        """Put load on the nodes with stress-ng; returns when the load runs.

        Args:
            target: ``cpu``, ``memory``, ``disk``, ``kernel`` or ``all``.
            duration: seconds that the load lasts.
            check: raise when a node did not do it.
        """
        return self._do("stress", check, target=target, duration=duration)

    def end_stress(self, target: str, *, check: bool = True) -> Result:
        """End the load that `stress` put on the nodes."""
        return self._do("end_stress", check, target=target)

    def disable_network(self, network_name: str, heal_after: Time = None, *, check: bool = True) -> Result:
        """Take a network from the nodes; also the one that carries ssh: then the nodes heal by themselves.

        Args:
            network_name: logical name (``management``); the configuration or the driver knows its interface.
            heal_after: seconds until the nodes undo it themselves, or the word ``never``.
            check: raise when a node did not do it.
        """
        return self._do("disable_network", check, network_name=network_name, heal_after=heal_after)

    def enable_network(self, network_name: str, *, check: bool = True) -> Result:
        """Give a network back to the nodes, with the addresses and routes it had."""
        return self._do("enable_network", check, network_name=network_name)

    def latency(
        self, network_name: str, milliseconds: int | None = None, heal_after: Time = None, *, check: bool = True
    ) -> Result:
        """Delay what the nodes send on a network.

        Args:
            network_name: logical name (``storage``); the configuration or the driver knows its interface.
            milliseconds: by which each packet is late; 100 when None.
            heal_after: seconds until the nodes undo it themselves, or the word ``never``.
            check: raise when a node did not do it.
        """
        return self._do("latency", check, network_name=network_name, milliseconds=milliseconds, heal_after=heal_after)

    def end_latency(self, network_name: str, *, check: bool = True) -> Result:
        """End the delay that `latency` makes."""
        return self._do("end_latency", check, network_name=network_name)

    def loss(
        self, network_name: str, percent: float | None = None, heal_after: Time = None, *, check: bool = True
    ) -> Result:
        """Lose a part of what the nodes send on a network.

        Args:
            network_name: logical name (``storage``); the configuration or the driver knows its interface.
            percent: how many packets in a hundred; 10 when None.
            heal_after: seconds until the nodes undo it themselves, or the word ``never``.
            check: raise when a node did not do it.
        """
        return self._do("loss", check, network_name=network_name, percent=percent, heal_after=heal_after)

    def end_loss(self, network_name: str, *, check: bool = True) -> Result:
        """End the loss that `loss` makes."""
        return self._do("end_loss", check, network_name=network_name)

    def bandwidth(
        self, network_name: str, rate: str | int | None = None, heal_after: Time = None, *, check: bool = True
    ) -> Result:
        """Limit how much the nodes send on a network.

        Args:
            network_name: logical name (``storage``); the configuration or the driver knows its interface.
            rate: bits in a second: a number, or one with K, M, G or T (powers of 1000); ``1M`` when None.
            heal_after: seconds until the nodes undo it themselves, or the word ``never``.
            check: raise when a node did not do it.
        """
        return self._do("bandwidth", check, network_name=network_name, rate=rate, heal_after=heal_after)

    def end_bandwidth(self, network_name: str, *, check: bool = True) -> Result:
        """End the limit that `bandwidth` sets."""
        return self._do("end_bandwidth", check, network_name=network_name)

    def fill_disk(
        self, path: str, free: str | int | None = None, heal_after: Time = None, *, check: bool = True
    ) -> Result:
        """Take the free space of a file system of the nodes.

        Args:
            path: a directory on the file system.
            free: bytes that stay free: a number, or one with K, M, G or T (powers of 1024); none when None.
            heal_after: seconds until the nodes undo it themselves, or the word ``never``.
            check: raise when a node did not do it.
        """
        return self._do("fill_disk", check, path=path, free=free, heal_after=heal_after)

    def free_disk(self, path: str, *, check: bool = True) -> Result:
        """Give back the space that `fill_disk` takes."""
        return self._do("free_disk", check, path=path)

    def read_only(self, path: str, heal_after: Time = None, *, check: bool = True) -> Result:
        """Make a directory of the nodes fail every write; files that are open already can still be written.

        Args:
            path: the directory, often the mount point of a file system.
            heal_after: seconds until the nodes undo it themselves, or the word ``never``.
            check: raise when a node did not do it.
        """
        return self._do("read_only", check, path=path, heal_after=heal_after)

    def read_write(self, path: str, *, check: bool = True) -> Result:
        """Make a directory that is read-only by `read_only` writable again."""
        return self._do("read_write", check, path=path)

    def partition(self, others: NodeCollection, heal_after: Time = None, *, check: bool = True) -> Result:
        """Cut the nodes off from other nodes, both directions; ssh from here goes on.

        Args:
            others: the nodes on the other side; nothing is changed on them.
            heal_after: seconds until the nodes undo it themselves, or the word ``never``.
            check: raise when a node did not do it.

        Example:
            >>> nodes = cloud.get_nodes()
            >>> nodes[:1].partition(nodes[1:])
        """
        return self._do("partition", check, others=others, heal_after=heal_after)

    def rejoin(self, others: NodeCollection, *, check: bool = True) -> Result:
        """Let the nodes and those that `partition` cut them off from reach each other again."""
        return self._do("rejoin", check, others=others)

    def dns_down(self, heal_after: Time = None, *, check: bool = True) -> Result:
        """Drop what the nodes ask name servers, elsewhere or on themselves, so that it times out.

        Args:
            heal_after: seconds until the nodes undo it themselves, or the word ``never``.
            check: raise when a node did not do it.
        """
        return self._do("dns_down", check, heal_after=heal_after)

    def dns_up(self, *, check: bool = True) -> Result:
        """Let the nodes ask name servers again."""
        return self._do("dns_up", check)

    disconnect = disable_network
    connect = enable_network

    def run_task(self, task: Mapping[str, Any], raise_on_error: bool = True) -> Result:
        """Run one Ansible task, given as data, on the nodes.

        Args:
            task: a task as in a playbook.
            raise_on_error: raise when a node failed.

        Example:
            >>> nodes.run_task({"ansible.builtin.command": {"argv": ["uname", "-r"]}})["node-1"].stdout
            '6.1.0-39-amd64'
        """
        self._not_empty("run_task")
        if not (task and hasattr(task, "keys")):
            raise ArgumentError(f"a task is a mapping, as in a playbook, not {task!r}")
        return self._performer.perform(Action("run_task", "", self._nodes, tasks=(task,)), check=raise_on_error)

    # -- how --------------------------------------------------------------------------------

    def action(self, verb: str, **options: Any) -> Action:
        """Return what a verb would do, fully checked; nothing is touched.

        Args:
            verb: a word of the contracts (``reboot``).
            options: of its playbook; those that are None are left to its defaults.

        Raises:
            ArgumentError: the verb is unknown, its contract refuses an option, or a node has no such network.
            PowerManagementError: the verb is about power, and no power driver knows a node.
            NodeCollectionError: the collection is empty.
        """
        self._not_empty(verb)
        if "network_name" in options:
            self._performer.check_network(options["network_name"], self)
        if "others" in options:
            options |= self._apart_from(verb, options["others"])
        action = actions.for_verb("node", verb, self, ends_after=self._performer.heal_after, **options)
        if action.from_outside:
            self._performer.check_power(verb, self)
        return action

    def _apart_from(self, verb: str, others: object) -> dict[str, Any]:
        """Return the options that name the nodes on the other side, given as a collection or as their names."""
        if isinstance(others, str):
            others = self._performer.get_nodes([name.strip() for name in others.split(",") if name.strip()])
        beyond = self._same_cloud(others)
        if both := self & beyond:
            raise ArgumentError(f"{verb}: {', '.join(both.get_fqdns())} would be on both sides, so nothing was done")
        if not beyond:
            raise NodeCollectionError(f"{verb}: there is nobody on the other side, so nothing was done")
        addresses = {node.fqdn: node.addresses for node in beyond} if verb == "partition" else None
        return {"others": ",".join(beyond.get_fqdns()), "addresses": addresses}

    def _do(self, verb: str, check: bool, **options: Any) -> Result:
        return self._performer.perform(self.action(verb, **options), check=check)

    def _not_empty(self, verb: str) -> None:
        if not self._nodes:
            raise NodeCollectionError(f"{verb} on an empty set of nodes: nothing was done")
