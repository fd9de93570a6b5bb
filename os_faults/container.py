"""A container of the cloud, and what can be done to it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import ClassVar, Unpack

from os_faults import actions
from os_faults.component import Component
from os_faults.errors import ContainerError, OSFError
from os_faults.model import Result
from os_faults.nodes import NodeCollection, Time


class Container(Component):
    """A container of docker or podman, the one with exactly this name on each of its nodes.

    Every verb takes ``nodes`` (all nodes that have the container, running or not, when None), returns a `Result` with
    one entry per node, and raises when a node did not do it; with ``check=False`` the result is returned whatever it
    says. A verb that breaks something also takes what `PerCall` names, such as ``limit``. ``timeout`` is in seconds.

    Example:
        >>> nova = cloud.get_container("nova_api")
        >>> nova.pause(nova.get_nodes().pick(), sec=30)
    """

    KIND: ClassVar[str] = "container"
    ERROR: ClassVar[type[OSFError]] = ContainerError

    def pause(
        self,
        nodes: NodeCollection | None = None,
        sec: int | None = None,
        heal_after: Time = None,
        *,
        check: bool = True,
        **call: Unpack[actions.PerCall],
    ) -> Result:
        """Stop all that runs in the container in its tracks.

        Args:
            nodes: where; everywhere when None.
            sec: seconds until the node itself lets it go on.
            heal_after: the same, where ``never`` is allowed; the connection's ``heal_after`` when both are None.
            check: raise when a node did not do it.
        """
        return self._do("pause", nodes, check, seconds=sec, heal_after=heal_after, **call)

    def unpause(self, nodes: NodeCollection | None = None, *, check: bool = True) -> Result:
        """Let a paused container go on."""
        return self._do("unpause", nodes, check)

    def paused(self, nodes: NodeCollection | None = None, heal_after: Time = None) -> AbstractContextManager[Result]:
        """Keep the container paused for the length of a ``with`` block.

        Args:
            nodes: where; everywhere when None.
            heal_after: seconds until the nodes end it in any case, or ``never``; that of the connection when None.
        """
        return self.injected("pause", nodes, heal_after=heal_after)
