"""The common part of services and containers: some nodes have them, running or not."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, ClassVar, Unpack

from os_faults import actions
from os_faults.discovery.placement import Placement
from os_faults.errors import ArgumentError, OSFError
from os_faults.faults.injected import injected
from os_faults.model import Action, Result
from os_faults.model.duration import Duration
from os_faults.nodes import NodeCollection, Performer


class Component:
    """A service or a container of the cloud.

    Args:
        name: its name in the catalogue or the configuration.
        placement: finds the nodes that have it.
        performer: performs actions.

    Attributes:
        KIND: the word for it, also the name of its option in the contracts.
        ERROR: the error when no node has it.
    """

    KIND: ClassVar[str]
    ERROR: ClassVar[type[OSFError]]

    _performer: Performer

    def __init__(self, name: str, placement: Placement, performer: Performer) -> None:
        self.name = name
        self._placement = placement
        self._performer = performer
        self._known: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"

    def get_nodes(self, running: bool = False, *, silent: bool = False) -> NodeCollection:
        """Return the nodes that have it.

        Args:
            running: ask the nodes now, and return only those where it runs.
            silent: accept nodes that do not answer; their components come from the last discovery.

        Raises:
            AnsibleExecutionUnreachable, PartlyDone: a node of the cloud did not answer, and ``silent`` is False.
        """
        nodes = self._placement.running(self.name) if running else self._placement.nodes(self.name, silent=silent)
        return NodeCollection(nodes, self._performer)

    def injected(
        self, verb: str, nodes: NodeCollection | None = None, **options: Any
    ) -> AbstractContextManager[Result]:
        """Inject a fault for the length of a ``with`` block, see `Cloud.injected`.

        Args:
            verb: the verb (``limit_cpu``).
            nodes: the nodes to act on; all that have it when None.
            options: options of its playbook.
        """
        return injected(self._performer.perform, self.action(verb, nodes, **options))

    def action(self, verb: str, nodes: NodeCollection | None = None, **options: Any) -> Action:
        """Return the action of a verb, fully checked; nothing is touched.

        Args:
            verb: the verb (``restart``).
            nodes: the nodes to act on; all that have it when None.
            options: options of its playbook; None means the default of the playbook.

        Raises:
            ArgumentError: the verb is unknown, or its contract refuses an option.
            ServiceError, ContainerError: there is no node to act on, or one does not have it.
        """
        subject = f"{self.name} {self.KIND}"
        if nodes is not None and not isinstance(nodes, NodeCollection):
            raise ArgumentError(
                f"{verb} {subject}: nodes must be a node collection, as get_nodes() returns it, not {nodes!r}"
            )
        everywhere = self.get_nodes(silent=nodes is not None)  # nodes that are not named need not answer
        chosen = everywhere if nodes is None else nodes
        if not chosen:
            raise self.ERROR(f"{verb} {subject} on an empty set of nodes: nothing was done")
        strangers = chosen - everywhere
        if strangers:
            raise self.ERROR(
                f"{verb} {subject}: {', '.join(strangers.get_fqdns())} does not have it; "
                f"it is on {', '.join(everywhere.get_fqdns()) or 'no node'}"
            )
        action = actions.for_verb(
            self.KIND,
            verb,
            chosen,
            subject=subject,
            ends_after=self._performer.heal_after,
            among=len(everywhere),
            **{self.KIND: self.name, **options, **self._more(verb, options)},
        )
        return replace(action, known=self._known)

    def start(
        self, nodes: NodeCollection | None = None, timeout: Duration | None = None, *, check: bool = True
    ) -> Result:
        """Start it, also after somebody has stopped it, and wait until it is up."""
        return self._do("start", nodes, check, timeout=timeout)

    def terminate(
        self,
        nodes: NodeCollection | None = None,
        timeout: Duration | None = None,
        *,
        check: bool = True,
        **call: Unpack[actions.PerCall],
    ) -> Result:
        """Stop it gracefully, by its systemd unit if it has one, and wait until it is down; ``heal`` starts it."""
        return self._do("terminate", nodes, check, timeout=timeout, **call)

    def restart(
        self,
        nodes: NodeCollection | None = None,
        timeout: Duration | None = None,
        *,
        check: bool = True,
        **call: Unpack[actions.PerCall],
    ) -> Result:
        """Restart it gracefully and wait until it is up."""
        return self._do("restart", nodes, check, timeout=timeout, **call)

    def kill(
        self,
        nodes: NodeCollection | None = None,
        timeout: Duration | None = None,
        *,
        check: bool = True,
        **call: Unpack[actions.PerCall],
    ) -> Result:
        """Kill all its processes with SIGKILL; the result reports what may start it again."""
        return self._do("kill", nodes, check, timeout=timeout, **call)

    def _more(self, verb: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return further options that follow from the given ones."""
        return {}

    def _do(self, verb: str, nodes: NodeCollection | None, check: bool, **options: Any) -> Result:
        return self._performer.perform(self.action(verb, nodes, **options), check=check)
