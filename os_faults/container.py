"""A container of the cloud and its verbs."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import ClassVar, Unpack

from os_faults import actions
from os_faults.component import Component
from os_faults.errors import ContainerError, OSFError
from os_faults.model import Result
from os_faults.model.duration import Duration, Time
from os_faults.nodes import NodeCollection


class Container(Component):
    """A container of docker or podman, with exactly this name on each of its nodes.

    Every verb takes ``nodes`` (all nodes that have the container, running or not, when None) and returns a `Result`
    with one entry per node. It raises when it did not succeed on every node; with ``check=False`` it returns the result
    also then. A verb that breaks something also takes the arguments of `PerCall`, such as ``limit``. ``timeout`` is in
    seconds.

    Example:
        >>> nova = cloud.get_container("nova_api")
        >>> nova.pause(nova.get_nodes().pick(), seconds="30s")
    """

    KIND: ClassVar[str] = "container"
    ERROR: ClassVar[type[OSFError]] = ContainerError

    def pause(
        self,
        nodes: NodeCollection | None = None,
        sec: Duration | None = None,
        heal_after: Time = None,
        *,
        check: bool = True,
        **call: Unpack[actions.PerCall],
    ) -> Result:
        """Freeze all processes of the container.

        Args:
            nodes: the nodes to act on; all that have the container when None.
            sec: another word for ``seconds``: how long until the node itself lets it continue.
            heal_after: the same, and ``never`` is allowed; the connection's ``heal_after`` when both are None.
            check: raise when the verb did not succeed on every node.
        """
        return self._do("pause", nodes, check, sec=sec, heal_after=heal_after, **call)

    def unpause(self, nodes: NodeCollection | None = None, *, check: bool = True) -> Result:
        """Let a paused container continue."""
        return self._do("unpause", nodes, check)

    def paused(self, nodes: NodeCollection | None = None, heal_after: Time = None) -> AbstractContextManager[Result]:
        """Keep the container paused for the length of a ``with`` block.

        Args:
            nodes: the nodes to act on; all that have the container when None.
            heal_after: seconds until the nodes undo it in any case, or ``never``; the connection's when None.
        """
        return self.injected("pause", nodes, heal_after=heal_after)
