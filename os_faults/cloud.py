"""The cloud: the object that ``os_faults.connect()`` returns. Callers often name it ``destructor``."""

from __future__ import annotations

import logging
import os
import random
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

from os_faults import actions, registry, resources
from os_faults.actions.batch import Together
from os_faults.ansible.protocol import Runner, Watcher
from os_faults.ansible.runner import AnsibleRunner
from os_faults.config import Config, auth_of, load
from os_faults.config.state import file_of, runs_dir, state_dir
from os_faults.container import Container
from os_faults.discovery.discovery import Discovery
from os_faults.discovery.hosts import Hosts
from os_faults.discovery.last_seen import LastSeen
from os_faults.discovery.names import Names
from os_faults.discovery.placement import Placement
from os_faults.errors import NodeCollectionError
from os_faults.execution.admission import Admission
from os_faults.execution.engine import Engine
from os_faults.execution.executor import Executor
from os_faults.execution.planner import Planner
from os_faults.faults.injected import injected
from os_faults.faults.interruption import add_notes
from os_faults.faults.journal import Journal
from os_faults.faults.ledger import Ledger
from os_faults.faults.listing import Faults, checked, faults_of, holding
from os_faults.faults.plan import Preview
from os_faults.model import Action, Fault, Node, Record, Result
from os_faults.model.duration import Duration
from os_faults.nodes import NodeCollection
from os_faults.service import Service
from os_faults.system.actor import acting
from os_faults.system.text import as_counted
from os_faults.version import get_version

LOG = logging.getLogger(__name__)


def connect(
    cloud_config: Mapping[str, Any] | None = None,
    config_filename: str | os.PathLike[str] | None = None,
    cloud: str | None = None,
    *,
    seed: int | None = None,
    runner: Runner | None = None,
) -> Cloud:
    """Return the cloud of a configuration; no host is contacted yet.

    Args:
        cloud_config: the configuration itself.
        config_filename: path of a configuration file.
        cloud: name of a cloud in ``clouds.yaml`` that has an ``os_faults`` block.
        seed: seed of all random choices. When None, it is drawn, logged and recorded.
        runner: runs the playbooks; `os_faults.testing.FakeRunner` in tests. With your own runner nothing is kept
            between sessions.

    Raises:
        ConfigError: there is no configuration, or it is wrong.

    Example:
        >>> with os_faults.connect(config_filename="os-faults.yml") as cloud:
        ...     cloud.get_service("keystone").restart()
    """
    return Cloud(load(cloud_config, config_filename, cloud), seed=seed, runner=runner)


class Cloud:
    """A cloud: its nodes, its services and their faults.

    Use it as a context manager, or call `close` at the end. Faults stay until they are healed.

    Args:
        config: see `os_faults.config.load`.
        seed: seed of all random choices.
        runner: runs the playbooks; ansible-runner when None.
        state: directory of the journal and the last discovery. When None, it is the user's state directory, or no
            directory when a runner is given.
    """

    def __init__(
        self, config: Config, *, seed: int | None = None, runner: Runner | None = None, state: Path | None = None
    ) -> None:
        self.seed = secrets.randbits(32) if seed is None else seed
        self.rng = random.Random(self.seed)
        self.heal_after = config.heal_after
        self._login = config.cloud.args
        drivers = registry.drivers_of(config)
        self._names = Names.of(resources.catalogue(drivers.cloud.catalogue), drivers.services, drivers.containers)
        guards = self._names.guards(config)
        home = state_dir(os.environ)
        identity = drivers.cloud.identity
        state = state or (None if runner else home)
        runner = runner or AnsibleRunner(
            config.ssh,
            runs_dir(config.artifacts_dir, os.environ),
            {"os_faults": get_version(), "seed": self.seed, "cloud": config.source},
            config.workers,
        )
        by = acting()
        self._hosts = Hosts(drivers.cloud, drivers.services, self._names.containers, config.ssh, by)
        self._ledger = Ledger(Journal(state and file_of(state, identity, ".journal")), by)
        self._engine = Engine(runner, self._hosts, self._ledger)
        last_seen = LastSeen(state and file_of(state, identity, ".json"))
        self._discovery = Discovery(drivers.cloud, self._engine.run, last_seen, drivers.power)
        self._faults = Faults(self._engine.run, self._ledger)
        admission = Admission(self._engine, guards, self._discovery, by)
        self._executor = Executor(self._engine, admission, self._discovery, self._ledger)
        self._planner = Planner(self._engine, admission, self._discovery, self._faults)
        self._service_nodes = Placement(self._discovery, "service", config.services)
        self._container_nodes = Placement(self._discovery, "container", config.containers)
        LOG.info("connected to the cloud of %s, seed %d", config.source, self.seed)

    def __repr__(self) -> str:
        return f"Cloud({self._discovery})"

    @property
    def watch(self) -> Watcher | None:
        """A function that gets every event of every run, in the thread that called the verb; None for no function.

        `os_faults.ansible.runner.AnsibleRunner.run` describes the events.
        """
        return self._engine.watch

    @watch.setter
    def watch(self, watcher: Watcher | None) -> None:
        self._engine.watch = watcher

    def __enter__(self) -> Cloud:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the hosts; safe to repeat. It undoes no faults, see `heal`."""
        self._engine.close()

    # -- nodes and services ------------------------------------------------------------------

    def verify(self) -> Result:
        """Check that every node of the cloud can be used, and return the findings of each.

        Raises:
            AnsibleExecutionUnreachable: no node could be reached.
            PartlyDone: some nodes can be used, others can't.
        """
        return self._discovery.verify().raise_for_status()

    def get_nodes(self, fqdns: Iterable[str] | None = None) -> NodeCollection:
        """Return the nodes of the cloud. The first call asks the nodes; later calls return the same answer.

        Args:
            fqdns: only the nodes with these names (or addresses).

        Raises:
            NodeCollectionError: a name is not known, or ``fqdns`` is empty.
            AnsibleExecutionUnreachable: a requested node never answered.
        """
        if fqdns is None:
            return NodeCollection(self._discovery.nodes(), self)
        names = [fqdns] if isinstance(fqdns, str) else [str(name) for name in fqdns]
        if not names:
            raise NodeCollectionError("get_nodes(fqdns=[]): no name was given; leave fqdns out to mean all nodes")
        return NodeCollection(self._discovery.named(names), self)

    def refresh(self) -> None:
        """Forget the answers of the nodes, so that the next call asks them again."""
        self._discovery.forget()

    @property
    def unreachable(self) -> Mapping[str, str]:
        """The seed addresses without an answer in the last discovery, each with the reason."""
        return self._discovery.unreachable()

    def list_services(self) -> list[str]:
        """Return the names of all services in the cloud's catalogue and in the configuration."""
        return sorted(self._names.services)

    def get_service(self, name: str) -> Service:
        """Return a service by its name, or by one of its older names.

        Raises:
            ServiceError: the service is not known; the message has the nearest names.
        """
        found = self._names.service(str(name))
        return Service(found, self._service_nodes, self, self._names.services[found])

    def list_containers(self) -> list[str]:
        """Return the names of all containers: those of the configuration and those of the services."""
        return sorted(self._names.containers)

    def get_container(self, name: str) -> Container:
        """Return a container by its name, see `list_containers`.

        Raises:
            ContainerError: the container is not known; the message has the nearest names.
        """
        return Container(self._names.container(name), self._container_nodes, self)

    # -- faults ------------------------------------------------------------------------------

    def faults(self) -> list[Fault]:
        """Return the faults that the nodes hold now; each node reports its own.

        A node that os_faults has powered off or cut off can't report. Its fault comes from the controller's journal,
        with the state ``held``.

        Raises:
            AnsibleExecutionUnreachable: no node could be reached.
            PartlyDone: some nodes could not be reached; ``error.result`` has the reports of the others (see
                `faults_of`).
        """
        nodes = self.known_nodes()
        return faults_of(self._faults.listing(nodes, self._discovery.machines()).raise_for_status())

    def heal(self, ids: Iterable[str] = (), *, check: bool = True) -> Result:
        """Undo the faults of os_faults on every node, also those of other users; safe to repeat.

        First it powers on the nodes that this controller has powered off, and waits until they answer.

        Args:
            ids: only the faults with these ids (`Fault.id`); all when empty. An id that no node holds any more is no
                error; the log has a warning.
            check: raise when one could not be undone.

        Raises:
            ArgumentError: an id has an impossible form, or is not known: neither a node reports it, nor the journal has
                it; nothing was touched. It is not refused when a node can't be asked.
            UndoError: a fault is still there; the message has the node and the reason.
            PartlyDone: a node could not be reached; its faults end by themselves at their time.
            AnsibleExecutionException: the journal can't be read, so the nodes that this controller has powered off
                are not known; all others were healed.
            KeyboardInterrupt: passed on; its notes list the faults that the nodes may still hold.
        """
        wanted = checked(ids)
        nodes = self.known_nodes()
        try:
            result = self._faults.heal(nodes, wanted, self._discovery.machines())
        except KeyboardInterrupt as interruption:
            add_notes(interruption, self._faults.left(nodes, wanted))
            raise
        return result.raise_for_status() if check else result

    def chosen(self, action: Action, count: int) -> NodeCollection:
        """Return some of the nodes of an action, at random; for a verb that undoes a fault, first those that hold it.

        Args:
            action: the action on all nodes that are possible.
            count: how many nodes.

        Raises:
            NodeCollectionError: there are fewer nodes.
        """
        nodes = NodeCollection(action.nodes, self)
        holding = self._holding(action)
        held = NodeCollection([node for node in nodes if node.fqdn in holding], self)
        if not held or count not in range(1, len(nodes) + 1):
            return nodes.pick(count)
        return held.pick(count) if count <= len(held) else held | (nodes - held).pick(count - len(held))

    def _holding(self, action: Action) -> frozenset[str]:
        if not actions.undone_verbs(action):
            return frozenset()
        return holding(action, faults_of(self._faults.listing(action.nodes, self._discovery.machines())))

    def injected(self, action: Action, seconds: Duration | None = None) -> AbstractContextManager[Result]:
        """Inject a fault for the length of a ``with`` block.

        Every end of the block, also by an error, undoes the fault on the nodes that it has changed, and raises when
        the undo fails. If this process dies, the nodes undo the fault themselves at its time.

        Args:
            action: a lasting fault, as ``service.action()`` and ``nodes.action()`` return it.
            seconds: seconds after which the nodes undo it in any case; those of the action when None.

        Raises:
            ArgumentError: the action has no undo, or its end can't be set.
            UndoError: the fault is still there after the block.

        Example:
            >>> with cloud.injected(keystone.action("unplug"), seconds=60):
            ...     check_that_the_cloud_goes_on()
        """
        return injected(self.perform, action if seconds is None else actions.ending_after(action, seconds))

    def healing(self, ids: Iterable[str] = ()) -> list[Action]:
        """Return the actions of `heal`, run by run; nothing is touched.

        Raises:
            ArgumentError: an id can't be healed, see `heal`.
        """
        return self._faults.healing(self.known_nodes(), checked(ids), self._discovery.machines())

    def known_nodes(self) -> list[Node]:
        """Return all nodes. Those that did not answer have ``last_seen`` set; they can still be named."""
        return sorted(self._discovery.known().values(), key=lambda node: as_counted(node.fqdn))

    # -- how ---------------------------------------------------------------------------------

    def inventory(self, nodes: Iterable[Node] | None = None, *, secrets: bool = False) -> dict[str, Any]:
        """Return Ansible's inventory of the nodes, as ``os-faults inventory`` prints it.

        Args:
            nodes: the hosts; all nodes of the cloud when None.
            secrets: include passwords, as look-ups of files that live as long as this object.
        """
        chosen = tuple(self.get_nodes() if nodes is None else nodes)
        return self._engine.inventory(chosen, self._discovery.machines().variables(chosen), secrets=secrets)

    def check_network(self, name: str, nodes: Iterable[Node]) -> None:
        """Refuse a network that one of the nodes does not have, before anything is touched.

        Args:
            name: name of a network or an interface.
            nodes: the nodes that should have it.

        Raises:
            ArgumentError: a node does not have it; the message lists the networks of the node.
        """
        self._hosts.check_network(name, nodes)

    def check_power(self, verb: str, nodes: Iterable[Node]) -> None:
        """Refuse a power verb that no power driver can do on one of the nodes, before anything is touched.

        Raises:
            PowerManagementError: the message has the names of these nodes.
        """
        self._discovery.machines().check(verb, nodes)

    def perform(self, action: Action, *, check: bool = True) -> Result:
        """Perform an action in one playbook run.

        Args:
            action: the action.
            check: raise when the action did not succeed on every node.

        Raises:
            GuardRailError: it would break too many nodes, or protected ones; nothing was touched.
            BaseException: an interruption of the run (Ctrl-C, an error of a signal handler, the deadline) is passed
                on, after the undo of the action's effects so far.
        """
        return self._executor.perform(action, check=check)

    def perform_all(self, wanted: Sequence[Action]) -> tuple[Result, ...]:
        """Perform several actions, in one playbook run where they can share one; return the result of each.

        Args:
            wanted: the actions in order, as ``service.action()`` and ``nodes.action()`` return them.

        Returns:
            One result for each action; its ``raise_for_status()`` raises when the action did not succeed on every
            node. A node that fails at one action is left out of the later actions of the same run; their results
            report it as left out.

        Raises:
            GuardRailError: an action alone, or all together, would break too much; nothing was touched.
            BaseException: see `perform`.

        Example:
            >>> keystone, nova = cloud.get_service("keystone"), cloud.get_service("nova-api")
            >>> [result.changed for result in cloud.perform_all([keystone.action("restart"), nova.action("kill")])]
            [True, True]
        """
        return self._executor.perform_all(wanted)

    def together(self) -> AbstractContextManager[Together]:
        """Perform the verbs of a ``with`` block at its end, in one playbook run where they can share one.

        Verbs that this thread calls in the block are checked at once and performed after the block. Nothing is done
        when the block fails. A node that fails at one verb is left out of the later verbs of the same run.

        Yields:
            The noted actions; ``results`` has the result of each after the block.

        Raises:
            OSFError: at the end, for the first verb that did not succeed on every node; see `perform_all`.

        Example:
            >>> with cloud.together() as several:
            ...     cloud.get_service("keystone").restart()
            ...     cloud.get_service("memcached").kill()
            >>> [result.changed for result in several.results]
            [True, True]
        """
        return self._executor.together()

    def execute_on_cloud(
        self, hosts: Iterable[Node], task: Mapping[str, Any], raise_on_error: bool = True
    ) -> list[Record]:
        """Run one Ansible task on nodes: the method of versions before 1.0, see `NodeCollection.run_task`.

        Args:
            hosts: the nodes.
            task: a task as in a playbook.
            raise_on_error: raise when a node failed.
        """
        return list(NodeCollection(hosts, self).run_task(task, raise_on_error).records)

    def command_line(self, action: Action) -> tuple[Path, list[str]]:
        """Write the run of an action without running it; return its directory and its command line.

        The line can be pasted into a shell. It has no passwords (``--ask-pass``, ``--ask-become-pass``).
        """
        return self._planner.command_line(action)

    plan = command_line  # its name in 1.0.0a1
    list_supported_services = list_services  # its name in 0.3

    def get_driver_name(self) -> str:
        """Return the name of the cloud's driver (``devstack``): the method of versions before 1.0."""
        return self._discovery.driver_name

    @property
    def private_key_file(self) -> str | None:
        """The path of the private key of the cloud's login, None for none: an attribute of versions before 1.0."""
        return auth_of(self._login).private_key_file

    def preview(self, action: Action) -> Preview:
        """Return the effects of an action and its obstacles; nodes are asked, and nothing is touched.

        Args:
            action: the action, as ``service.action()`` and ``nodes.action()`` return it.

        Example:
            >>> cloud.preview(cloud.get_service("keystone").action("freeze", seconds=30)).seconds
            30
        """
        return self._planner.preview(action)
