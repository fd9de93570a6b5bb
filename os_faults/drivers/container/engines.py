"""Containers of docker and podman."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from os_faults.config import check

CONTAINER: Mapping[str, Any] = {
    "type": "string",
    "pattern": r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
    "description": "the name of a container",
}
"""Schema of the name of a container."""

_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"container_name": CONTAINER},
}


class _Engine:
    """A container of the engine ``ENGINE``."""

    NAME: ClassVar[str]
    ENGINE: ClassVar[str]
    SCHEMA: ClassVar[Mapping[str, Any]] = _SCHEMA

    def __init__(self, args: Mapping[str, Any], where: str = "") -> None:
        check(args, self.SCHEMA, where)
        self._args = args

    def entry(self) -> dict[str, Any]:
        """Return the container for the playbooks; without ``container_name`` it has its name in the configuration.

        Example:
            >>> PodmanContainer({"container_name": "nova_api"}).entry()
            {'engine': 'podman', 'container': 'nova_api'}
        """
        name = {"container": self._args["container_name"]} if "container_name" in self._args else {}
        return {"engine": self.ENGINE, **name}


class DockerContainer(_Engine):
    """A container of docker.

    .. code-block:: yaml

        containers:
          nova_api: {driver: docker}
          neutron: {driver: docker, container_name: neutron_server}

    ``container_name`` is its exact name in docker; without it, the name is the key in this list. The container is on
    the nodes where docker has it, running or not. A container of a systemd unit is started and stopped by its unit.
    """

    NAME: ClassVar[str] = "docker"
    ENGINE: ClassVar[str] = "docker"
    DESCRIPTION: ClassVar[str] = "A container of docker"


class PodmanContainer(_Engine):
    """A container of podman.

    .. code-block:: yaml

        containers:
          nova_api: {driver: podman}
          neutron: {driver: podman, container_name: neutron_server}

    ``container_name`` is its exact name in podman; without it, the name is the key in this list. The container is on
    the nodes where podman has it, running or not. These are root's containers if the login is root or becomes root,
    else the user's own. A container of a systemd unit is started and stopped by its unit.
    """

    NAME: ClassVar[str] = "podman"
    ENGINE: ClassVar[str] = "podman"
    DESCRIPTION: ClassVar[str] = "A container of podman"


class OlderDockerContainer(_Engine):
    """A container of docker, in the form of older configurations; new ones use ``docker``.

    .. code-block:: yaml

        containers:
          neutron_api:
            driver: docker_container
            args: {container_name: neutron_api}

    On a node with podman and without docker it is a container of podman.
    """

    NAME: ClassVar[str] = "docker_container"
    ENGINE: ClassVar[str] = "auto"
    DESCRIPTION: ClassVar[str] = "Older name of docker"
    OLDER_NAME_OF: ClassVar[str] = "docker"
    SCHEMA: ClassVar[Mapping[str, Any]] = {**_SCHEMA, "required": ["container_name"]}
