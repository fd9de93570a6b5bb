"""A service of the cloud and its verbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Literal, Protocol, Unpack

from os_faults import actions
from os_faults.component import Component
from os_faults.discovery.placement import Placement
from os_faults.errors import ArgumentError, OSFError, ServiceError
from os_faults.model import Result
from os_faults.model.duration import Duration, Time
from os_faults.nodes import NodeCollection, Performer

#: A direction of the traffic, as the host sees it.
Way = Literal["ingress", "egress"]
#: Protocol (``tcp``, ``udp``) and number.
Port = Sequence[str | int]


class Services(Performer, Protocol):
    """The part of a cloud that a service needs: it performs actions and knows the other services."""

    def get_service(self, name: str) -> Service:
        """Return the service with this name."""


class Service(Component):
    """A service of the cloud: software that runs on some of its nodes.

    Every verb takes ``nodes`` (all nodes that have the service when None) and returns a `Result` with one entry per
    node. It raises when it did not succeed on every node; with ``check=False`` it returns the result also then.
    A verb that breaks something also takes the arguments of `PerCall`, such as ``limit``.
    ``timeout`` is the number of seconds that the service may take on a node.
    ``NAME`` is the name of the driver, ``config`` has the arguments of the driver.

    Args:
        name: its name in the catalogue or the configuration.
        placement: finds the nodes that have it.
        performer: performs actions.
        definition: its entry in the catalogue or the configuration: ``driver``, handles, ``ports``.

    Example:
        >>> keystone = cloud.get_service("keystone")
        >>> keystone.freeze(keystone.get_nodes().pick(), seconds="30s")
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
        """The ports on which it listens (protocol and number), from the catalogue or the configuration."""
        return [tuple(port) for port in self.config.get("ports", ())]

    def freeze(
        self,
        nodes: NodeCollection | None = None,
        sec: Duration | None = None,
        heal_after: Time = None,
        *,
        check: bool = True,
        **call: Unpack[actions.PerCall],
    ) -> Result:
        """Freeze every process of the service, with SIGSTOP.

        Args:
            nodes: the nodes to act on; all that have the service when None.
            sec: another word for ``seconds``: how long until the node itself lets the service continue.
            heal_after: the same, and ``never`` is allowed; the connection's ``heal_after`` when both are None.
            check: raise when the verb did not succeed on every node.
        """
        return self._do("freeze", nodes, check, sec=sec, heal_after=heal_after, **call)

    def unfreeze(self, nodes: NodeCollection | None = None, *, check: bool = True) -> Result:
        """Let a frozen service continue."""
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
        """Block all traffic of the service's ports, also local clients and open connections; or one direction only.

        Args:
            nodes: the nodes to act on; all that have the service when None.
            direction: ``ingress`` blocks only traffic to the service's ports, ``egress`` only traffic to ports of
                other services.
            other_port: protocol and number of a port in place of the service's own; needs a direction.
            heal_after: seconds until the node undoes it itself, or ``never``; the connection's when None.
            other: the service at the other end; needs a direction. Traffic from its nodes is blocked (``ingress``), or
                traffic to its ports (``egress``).
            check: raise when the verb did not succeed on every node.

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
        """Undo `unplug`; a fault of one direction needs the same arguments."""
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
            nodes: the nodes to act on; all that have the service when None.
            heal_after: seconds until the node undoes it itself, or ``never``; the connection's when None.
            check: raise when the verb did not succeed on every node.
        """
        return self._do("limit_memory", nodes, check, memory=memory, heal_after=heal_after, **call)

    def unlimit_memory(self, nodes: NodeCollection | None = None, *, check: bool = True) -> Result:
        """Undo `limit_memory`; an earlier limit of the unit is in force again."""
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
            percent: percent of one processor; 10 when None.
            nodes: the nodes to act on; all that have the service when None.
            heal_after: seconds until the node undoes it itself, or ``never``; the connection's when None.
            check: raise when the verb did not succeed on every node.
        """
        return self._do("limit_cpu", nodes, check, percent=percent, heal_after=heal_after, **call)

    def unlimit_cpu(self, nodes: NodeCollection | None = None, *, check: bool = True) -> Result:
        """Undo `limit_cpu`; an earlier limit of the unit is in force again."""
        return self._do("unlimit_cpu", nodes, check)

    def frozen(self, nodes: NodeCollection | None = None, heal_after: Time = None) -> AbstractContextManager[Result]:
        """Keep the service frozen for the length of a ``with`` block.

        Args:
            nodes: the nodes to act on; all that have the service when None.
            heal_after: seconds until the nodes undo it in any case, or ``never``; the connection's when None.

        Example:
            >>> with keystone.frozen():
            ...     check_that_clients_wait()
        """
        return self.injected("freeze", nodes, heal_after=heal_after)

    def unplugged(self, nodes: NodeCollection | None = None, heal_after: Time = None) -> AbstractContextManager[Result]:
        """Keep the service unplugged for the length of a ``with`` block; the arguments are those of `frozen`."""
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
        """Return the options for the other end of the traffic; refuse one without known ports or nodes."""
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
