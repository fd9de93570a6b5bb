"""Services that a Pacemaker cluster manages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from os_faults.config import check
from os_faults.drivers.service.ports import PORTS, ports_of
from os_faults.drivers.service.process import GREP, HANDLES, check_grep, handles_of
from os_faults.drivers.service.systemd import UNIT, UNITS

_RESOURCE = {
    "type": "string",
    "pattern": r"^[A-Za-z_][A-Za-z0-9_.-]*$",
    "description": "the name of a resource of Pacemaker",
}


class PacemakerService:
    """A service that is a resource of a Pacemaker cluster, or a group or a clone.

    .. code-block:: yaml

        services:
          mysql:
            driver: pacemaker
            resource: p_mysqld
            grep: /mysqld( |$)          # how kill, freeze and unplug find its processes
            port: 3306

    It is on all nodes of the cluster. ``terminate`` bans it from the chosen nodes and waits until it no longer runs
    there; Pacemaker starts it on another node, if one is left. ``start`` lifts the ban. ``restart`` and ``kill`` act on
    the nodes where it runs, and change nothing on the others. A ban survives a reboot of its node, and so does the
    record by which ``heal()`` lifts it.

    A resource that is a systemd unit needs no ``grep``; others may have ``executable``, ``pidfile`` or ``unit`` in its
    place. With ``or_units: [mysql.service]`` it is these units on hosts whose cluster has no such resource.
    Pacemaker is controlled by its own tools (``crm_resource``); ``pcs`` and ``crmsh`` are not needed.
    """

    NAME: ClassVar[str] = "pacemaker"
    DESCRIPTION: ClassVar[str] = "A service that a Pacemaker cluster manages"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["resource"],
        "properties": {"resource": _RESOURCE, "or_units": UNITS, **HANDLES, **PORTS},
    }

    def __init__(self, args: Mapping[str, Any], where: str = "") -> None:
        check(args, self.SCHEMA, where)
        check_grep(args, where)
        self._args = args

    def entry(self) -> dict[str, Any]:
        """Return the service in the form of a catalogue.

        Example:
            >>> PacemakerService({"resource": "p_mysqld", "port": 3306}).entry()
            {'driver': 'pacemaker', 'resource': 'p_mysqld', 'ports': [['tcp', 3306]]}
        """
        own = {key: self._args[key] for key in ("resource", "or_units") if key in self._args}
        return {"driver": self.NAME, **own, **handles_of(self._args), "ports": ports_of(self._args)}


class _Older:
    """A resource in the form of older configurations."""

    NAME: ClassVar[str]
    SCHEMA: ClassVar[Mapping[str, Any]]

    def __init__(self, args: Mapping[str, Any], where: str = "") -> None:
        check(args, self.SCHEMA, where)
        check_grep(args, where)
        self._args = args

    def entry(self) -> dict[str, Any]:
        """Return the service in the form of a catalogue, with the driver ``pacemaker``."""
        units = {"or_units": [self._args["linux_service"]]} if "linux_service" in self._args else {}
        return {
            "driver": PacemakerService.NAME,
            "resource": self._args["pcs_service"],
            **units,
            **handles_of(self._args),
            "ports": ports_of(self._args),
        }


class PcsService(_Older):
    """A service that Pacemaker manages, in the form of older configurations; new ones use ``pacemaker``.

    .. code-block:: yaml

        services:
          mysql:
            driver: pcs_service
            args: {pcs_service: p_mysqld, grep: mysqld, port: [tcp, 3307]}
    """

    NAME: ClassVar[str] = "pcs_service"
    DESCRIPTION: ClassVar[str] = "Older name of pacemaker"
    OLDER_NAME_OF: ClassVar[str] = "pacemaker"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["pcs_service"],
        "properties": {"pcs_service": _RESOURCE, "grep": GREP, **PORTS},
    }


class PcsOrLinuxService(_Older):
    """A service that Pacemaker manages on some nodes, and systemd (or an init script) on others.

    .. code-block:: yaml

        services:
          neutron-l3-agent:
            driver: pcs_or_linux_service
            args: {pcs_service: neutron-l3-agent, linux_service: neutron-l3-agent, grep: neutron-l3-agent}

    On a node whose cluster has the resource it is a service of the driver ``pacemaker``, else the unit.
    """

    NAME: ClassVar[str] = "pcs_or_linux_service"
    DESCRIPTION: ClassVar[str] = "A service of Pacemaker or of systemd, whichever the node has"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["pcs_service", "linux_service"],
        "properties": {"pcs_service": _RESOURCE, "linux_service": UNIT, "grep": GREP, **PORTS},
    }
