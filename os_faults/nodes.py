"""A collection of nodes and their verbs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, Unpack, cast

from os_faults import actions
from os_faults.errors import ArgumentError, NodeCollectionError
from os_faults.faults.injected import injected
from os_faults.model import Action, Node, Result
from os_faults.model.duration import Duration, Time
from os_faults.node_faults import NodeFaults
from os_faults.node_set import Chooser, NodeSet


class Performer(Chooser, Protocol):
    """The part of a cloud that a collection of nodes needs: it performs actions.

    Attributes:
        heal_after: seconds after which a fault ends by itself, unless the caller gives a time.
    """

    heal_after: int

    def perform(self, action: Action, *, check: bool = True) -> Result:
        """Perform ``action``; raise when it did not succeed on every node, unless ``check`` is False."""

    def check_network(self, name: str, nodes: Iterable[Node]) -> None:
        """Refuse a network that one of the nodes does not have, before anything is touched."""

    def check_power(self, verb: str, nodes: Iterable[Node]) -> None:
        """Refuse a power verb that no power driver can do on one of the nodes, before anything is touched."""

    def get_nodes(self, fqdns: Iterable[str]) -> NodeSet:
        """Return the nodes of the cloud with these names."""


class NodeCollection(NodeFaults):
    """A set of nodes with set algebra, choice and the node verbs.

    Every verb returns a `Result` with one entry per node. It raises when it did not succeed on every node; with
    ``check=False`` it returns the result also then.

    A verb that breaks something also takes the arguments of `PerCall`, such as ``limit``.

    Example:
        >>> nodes = cloud.get_nodes()
        >>> (nodes - nodes.pick()).reboot()
        >>> [node.fqdn for node in nodes[:2]]
        ['node-1.domain.tld', 'node-2.domain.tld']
    """

    _performer: Performer

    def __init__(
        self, nodes: Iterable[Node] = (), performer: Performer | None = None, *, hosts: Iterable[Node] = ()
    ) -> None:
        chosen = [*nodes, *hosts]  # callers of 0.3 write NodeCollection(hosts=[])
        if chosen and performer is None:
            raise NodeCollectionError("a node collection needs the cloud of its nodes; cloud.get_nodes() returns one")
        super().__init__(chosen, cast(Performer, performer))

    # -- verbs --------------------------------------------------------------------------------

    def reboot(
        self, wait: bool = True, wait_timeout: Duration = 600, *, check: bool = True, **call: Unpack[actions.PerCall]
    ) -> Result:
        """Reboot the nodes gracefully.

        Args:
            wait: wait until every node runs with a new boot id; False returns at once.
            wait_timeout: seconds to wait.
            check: raise when the verb did not succeed on every node.
        """
        return self._do("reboot", check, wait=wait, wait_timeout=wait_timeout, **call)

    def poweroff(
        self, wait_timeout: Duration | None = None, *, check: bool = True, **call: Unpack[actions.PerCall]
    ) -> Result:
        """Cut the power of the nodes, and wait until they are off; `poweron` powers them on again.

        Args:
            wait_timeout: seconds to wait; 300 when None.
            check: raise when the verb did not succeed on every node.
        """
        return self._do("poweroff", check, wait_timeout=wait_timeout, **call)

    def poweron(self, wait: bool = False, wait_timeout: Duration | None = None, *, check: bool = True) -> Result:
        """Power on the nodes.

        Args:
            wait: wait until every node answers; False returns when the power is on, while the system starts.
            wait_timeout: seconds to wait; 300 when None.
            check: raise when the verb did not succeed on every node.
        """
        return self._do("poweron", check, wait=wait, wait_timeout=wait_timeout)

    def reset(
        self,
        wait: bool = False,
        wait_timeout: Duration | None = None,
        *,
        check: bool = True,
        **call: Unpack[actions.PerCall],
    ) -> Result:
        """Restart the nodes the hard way, by the reset button; a node that is off is refused.

        Args:
            wait: wait until every node answers with a new boot id; False returns when the button was pressed.
            wait_timeout: seconds to wait; 300 when None.
            check: raise when the verb did not succeed on every node.
        """
        return self._do("reset", check, wait=wait, wait_timeout=wait_timeout, **call)

    def shutdown(
        self, wait_timeout: Duration | None = None, *, check: bool = True, **call: Unpack[actions.PerCall]
    ) -> Result:
        """Press the power button of the nodes, which asks them to shut down, and wait until they are off.

        Args:
            wait_timeout: seconds to wait; 300 when None.
            check: raise when the verb did not succeed on every node.
        """
        return self._do("shutdown", check, wait_timeout=wait_timeout, **call)

    def snapshot(
        self,
        snapshot_name: str,
        suspend: bool = True,
        wait_timeout: Duration | None = None,
        *,
        check: bool = True,
        **call: Unpack[actions.PerCall],
    ) -> Result:
        """Let the hypervisor save the nodes, with memory and disks, under a name.

        Args:
            snapshot_name: the name; an existing name is refused.
            suspend: stop the nodes while they are saved; they continue afterwards.
            wait_timeout: seconds that the snapshot may take; 300 when None.
            check: raise when the verb did not succeed on every node.
        """
        return self._do(
            "snapshot", check, snapshot_name=snapshot_name, suspend=suspend, wait_timeout=wait_timeout, **call
        )

    def revert(
        self,
        snapshot_name: str,
        resume: bool = True,
        wait_timeout: Duration | None = None,
        *,
        check: bool = True,
        **call: Unpack[actions.PerCall],
    ) -> Result:
        """Return the nodes to a snapshot; all later changes are lost, also those on disks.

        Args:
            snapshot_name: the name of the snapshot.
            resume: let the nodes run afterwards; False leaves them suspended.
            wait_timeout: seconds that the revert may take; 300 when None.
            check: raise when the verb did not succeed on every node.
        """
        return self._do("revert", check, snapshot_name=snapshot_name, resume=resume, wait_timeout=wait_timeout, **call)

    def power_state(self) -> dict[str, str]:
        """Return the power states of the nodes. Their machines are asked, not the nodes themselves.

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

    def run_task(self, task: Mapping[str, Any], raise_on_error: bool = True, timeout: float = Action.timeout) -> Result:
        """Run one Ansible task, given as data, on the nodes.

        Args:
            task: a task as in a playbook.
            raise_on_error: raise when a node failed.
            timeout: seconds until the run is stopped.

        Raises:
            RunTimeout: the run did not end in time; raised also with ``raise_on_error=False``.

        Example:
            >>> nodes.run_task({"ansible.builtin.command": {"argv": ["uname", "-r"]}})["node-1"].stdout
            '6.1.0-39-amd64'
        """
        self._not_empty("run_task")
        if not (task and hasattr(task, "keys")):
            raise ArgumentError(f"a task is a mapping, as in a playbook, not {task!r}")
        action = Action("run_task", "", self._nodes, tasks=(task,), timeout=timeout)
        return self._performer.perform(action, check=raise_on_error)

    # -- for the length of a block ------------------------------------------------------------

    def injected(self, verb: str, **options: Any) -> AbstractContextManager[Result]:
        """Inject a fault for the length of a ``with`` block, see `Cloud.injected`.

        Args:
            verb: the verb (``latency``).
            options: options of its playbook.

        Example:
            >>> with nodes.injected("fill_disk", path="/var/lib/mysql", free="10M"):
            ...     check_that_the_cloud_goes_on()
        """
        return injected(self._performer.perform, self.action(verb, **options))

    def network_disabled(self, network_name: str, heal_after: Time = None) -> AbstractContextManager[Result]:
        """Disable a network for the length of a ``with`` block; the arguments are those of `disable_network`.

        If it is the network of ssh, the block ends when the nodes have undone the fault at its time.
        """
        return self.injected("disable_network", network_name=network_name, heal_after=heal_after)

    # -- how --------------------------------------------------------------------------------

    def action(self, verb: str, **options: Any) -> Action:
        """Return the action of a verb, fully checked; nothing is touched.

        Args:
            verb: the verb (``reboot``).
            options: options of its playbook; None means the default of the playbook.

        Raises:
            ArgumentError: the verb is unknown, its contract refuses an option, or a node has no such network.
            PowerManagementError: the verb needs power management, and no power driver knows a node.
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

    def possible(self, verb: str, **options: Any) -> Action:
        """Return the action of a verb on these nodes, of which only some are meant: the nodes are not checked for it.

        Args:
            verb: the verb (``enable_network``).
            options: options of its playbook; None means the default of the playbook.

        Raises:
            ArgumentError: the verb is unknown, or its contract refuses an option.
            NodeCollectionError: the collection is empty.
        """
        self._not_empty(verb)
        if "others" in options:
            options["others"] = ",".join(self._beyond(options["others"]).get_fqdns())
        return actions.for_verb("node", verb, self, **options)

    def _beyond(self, others: object) -> NodeCollection:
        """Return the nodes on the other side, which are given as a collection or as their names."""
        if isinstance(others, str):
            others = self._performer.get_nodes([name.strip() for name in others.split(",") if name.strip()])
        return self._same_cloud(others)

    def _apart_from(self, verb: str, others: object) -> dict[str, Any]:
        """Return the options for the nodes on the other side, see `_beyond`."""
        beyond = self._beyond(others)
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
