"""Services that run in a container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from os_faults.config import check
from os_faults.drivers.container.engines import CONTAINER
from os_faults.drivers.service.ports import PORTS, ports_of


class ContainerService:
    """A service that is one container of docker or podman.

    .. code-block:: yaml

        services:
          nova-api:
            driver: container
            container: nova_api
            port: 8774

    It has the verbs of services: ``freeze`` stops the processes of the container, and ``unplug`` blocks the ports on
    which they listen in the network of the host. ``engine`` is ``docker`` or ``podman``; when left out, it is the one
    that has the container. It is a container, too, by that name: ``get_container("nova_api").pause()``.
    """

    NAME: ClassVar[str] = "container"
    DESCRIPTION: ClassVar[str] = "A service that runs in a container"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["container"],
        "properties": {
            "container": CONTAINER,
            "engine": {"enum": ["auto", "docker", "podman"]},
            "aliases": {"type": "array", "items": {"$ref": "#/$defs/name"}, "description": "a list of names"},
            **PORTS,
        },
    }

    def __init__(self, args: Mapping[str, Any], where: str = "") -> None:
        check(args, self.SCHEMA, where)
        self._args = args

    def entry(self) -> dict[str, Any]:
        """Return the service in the form of a catalogue.

        Example:
            >>> ContainerService({"container": "nova_api", "port": 8774}).entry()
            {'driver': 'container', 'container': 'nova_api', 'ports': [['tcp', 8774]]}
        """
        given = {key: self._args[key] for key in ("container", "engine", "aliases") if key in self._args}
        return {"driver": self.NAME, **given, "ports": ports_of(self._args)}
