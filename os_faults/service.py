"""A service of the cloud, and what can be done to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Literal, Protocol, Unpack

from os_faults import actions
from os_faults.component import Component
from os_faults.discovery.placement import Placement
from os_faults.errors import ArgumentError, OSFError, ServiceError
from os_faults.model import Result
from os_faults.nodes import NodeCollection, Performer, Time

#: A way of the traffic, as the host sees it.
Way = Literal["ingress", "egress"]
#: Protocol (``tcp``, ``udp``) and number.
Port = Sequence[str | int]


class Services(Performer, Protocol):
    """What a service needs of its cloud: also the other services."""

    def get_service(self, name: str) -> Service:
        """Return the service with this name."""


class Service(Component):
    """A service of the cloud: software that runs on some of its nodes.

    Every verb takes ``nodes`` (all nodes that have the service when None), returns a `Result` with one entry
    per node, and raises when a node did not do it; with ``check=False`` the result is returned whatever it says.
    A verb that breaks something also takes what `PerCall` names, such as ``limit``.
    ``timeout`` is in seconds: how long the service may take on a node.
    ``NAME`` is the name of its driver, ``config`` what that driver knows of it.

    Args:
        name: its name in the catalogue or the configuration.
        placement: finds the nodes that have it.
        performer: who performs actions.
        definition: what the catalogue or the configuration says of it: ``driver``, handles, ``ports``.

    Example:
        >>> keystone = cloud.get_service("keystone")
        >>> keystone.freeze(keystone.get_nodes().pick(), sec=30)
    """

    KIND: ClassVar[str] = "service"
    ERROR: ClassVar[type[OSFError]] = ServiceError

    _performer: Services

    def __init__(self, name: str, placement: Placement, performer: Services, definition: Mapping[str, Any]) -> None:
        super().__init__(name, placement, performer)
        self.config = dict(definition)
        self.NAME = str(self.config.pop("driver"))  # callers of 0.3 read both
        self._known = {
            "os_faults_service": name,
            "os_faults_definition": dict(definition),
            "os_faults_driver": self.NAME,
        }

    @property
    def ports(self) -> list[Port]:
        """Where it listens, protocol and number each, as the catalogue or the configuration says."""
        return [tuple(port) for port in self.config.get("ports", ())]

    def freeze(
        self,
        nodes: NodeCollection | None = None,
        sec: int | None = None,
        heal_after: Time = None,
        *,
        check: bool = True,
        **call: Unpack[actions.PerCall],
    ) -> Result:
        """Stop every process of the service in its tracks, with SIGSTOP.

        Args:
            nodes: where; everywhere when None.
            sec: seconds until the node itself lets it run on.
            heal_after: the same, where ``never`` is allowed; the connection's ``heal_after`` when both are None.
            check: raise when a node did not do it.
        """
        return self._do("freeze", nodes, check, seconds=sec, heal_after=heal_after, **call)

    def unfreeze(self, nodes: NodeCollection | None = None, *, check: bool = True) -> Result:
        """Let a frozen service run on."""
        return self._do("unfreeze", nodes, check)

    def unplug(
        self,
        nodes: NodeCollection | None = None,
        direction: Way | None = None,
        other_port: Port | None = None,
        heal_after: Time = None,
        *,
        other: Service | str | None = None,
        check: bool = True,
        **call: Unpack[actions.PerCall],
    ) -> Result:
        """Cut the service's ports from everybody else, local clients and open connections included; or one way only.

        Args:
            nodes: where; everywhere when None.
            direction: ``ingress`` cuts only what arrives at the ports, ``egress`` only what leaves for those of others.
            other_port: protocol and number of a port in place of the service's own, with a direction.
            heal_after: seconds until the node itself takes it back, or ``never``; that of the connection when None.
            other: the service at the other end, with a direction: what comes from its nodes, or goes to its ports.
            check: raise when a node did not do it.

        Example:
            >>> keystone.unplug(direction="egress", other="mysql")
            >>> keystone.unplug(direction="egress", other_port=["udp", 53])
        """
        far = {"direction": direction, "ports": _port(other_port), "other": other}
        return self._do("unplug", nodes, check, heal_after=heal_after, **far, **call)

    def plug(
        self,
        nodes: NodeCollection | None = None,
        direction: Way | None = None,
        other_port: Port | None = None,
        *,
        other: Service | str | None = None,
        check: bool = True,
    ) -> Result:
        """Give the service its ports back; what was cut one way is given back by the same words."""
        far = {"direction": direction, "ports": _port(other_port), "other": other}
        return self._do("plug", nodes, check, **far)

    def limit_memory(
        self,
        memory: str | int,
        nodes: NodeCollection | None = None,
        heal_after: Time = None,
        *,
        check: bool = True,
        **call: Unpack[actions.PerCall],
    ) -> Result:
        """Limit the memory of each systemd unit of the service.

        Args:
            memory: bytes: a number, or one with K, M, G or T (powers of 1024).
            nodes: where; everywhere when None.
            heal_after: seconds until the node itself takes it back, or ``never``; that of the connection when None.
            check: raise when a node did not do it.
        """
        return self._do("limit_memory", nodes, check, memory=memory, heal_after=heal_after, **call)

    def unlimit_memory(self, nodes: NodeCollection | None = None, *, check: bool = True) -> Result:
        """Lift the limit of `limit_memory`; one that others have set is in force again."""
        return self._do("unlimit_memory", nodes, check)

    def limit_cpu(
        self,
        percent: int | None = None,
        nodes: NodeCollection | None = None,
        heal_after: Time = None,
        *,
        check: bool = True,
        **call: Unpack[actions.PerCall],
    ) -> Result:
        """Limit the processor time of each systemd unit of the service.

        Args:
            percent: of one processor; 10 when None.
            nodes: where; everywhere when None.
            heal_after: seconds until the node itself takes it back, or ``never``; that of the connection when None.
            check: raise when a node did not do it.
        """
        return self._do("limit_cpu", nodes, check, percent=percent, heal_after=heal_after, **call)

    def unlimit_cpu(self, nodes: NodeCollection | None = None, *, check: bool = True) -> Result:
        """Lift the limit of `limit_cpu`; one that others have set is in force again."""
        return self._do("unlimit_cpu", nodes, check)

    def frozen(self, nodes: NodeCollection | None = None, heal_after: Time = None) -> AbstractContextManager[Result]:
        """Keep the service frozen for the length of a ``with`` block.

        Args:
            nodes: where; everywhere when None.
            heal_after: seconds until the nodes end it in any case, or ``never``; that of the connection when None.

        Example:
            >>> with keystone.frozen():
            ...     check_that_clients_wait()
        """
        return self.injected("freeze", nodes, heal_after=heal_after)

    def unplugged(self, nodes: NodeCollection | None = None, heal_after: Time = None) -> AbstractContextManager[Result]:
        """Keep the service's ports cut for the length of a ``with`` block; the arguments are those of `frozen`."""
        return self.injected("unplug", nodes, heal_after=heal_after)

    def _more(self, verb: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        if options.get("other") is None and not options.get("ports"):
            return {}
        return self._far_end(verb, **options)

    def _far_end(
        self,
        verb: str,
        direction: str | None = None,
        ports: object = None,
        other: Service | str | None = None,
        **_options: object,
    ) -> dict[str, Any]:
        """Return the options that name the other end of the traffic; one that can't be cut off is refused."""
        if direction is None:
            raise ArgumentError(
                f"{verb} {self.name} service: another service or port needs a direction, ingress or egress"
            )
        if other is None:
            return {}
        end = other if isinstance(other, Service) else self._performer.get_service(other)
        if direction == "egress" and not (ports or end.ports):
            raise ServiceError(
                f"{verb} {self.name} service: no port of {end.name} is known, so nothing was done; "
                "give the port in the configuration or in the call"
            )
        if direction == "egress" or verb == "plug":
            return {"other": end.name}
        nodes = end.get_nodes()
        if not nodes:
            raise ServiceError(f"{verb} {self.name} service: no node has {end.name}, so nothing was done")
        return {"other": end.name, "addresses": {node.fqdn: node.addresses for node in nodes}}


def _port(port: Port | None) -> list[str] | None:
    """Return a port as the contract writes it.

    Example:
        >>> _port(["udp", 53])
        ['udp/53']
    """
    return None if port is None else ["/".join(map(str, port))]
