"""The names of the services and containers of a cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from os_faults.actions.guards import Guards, Limit, is_pattern
from os_faults.config import Config
from os_faults.errors import ConfigError, ContainerError, ServiceError, did_you_mean


@dataclass(frozen=True)
class Names:
    """The services and containers of a cloud's catalogue and configuration.

    Attributes:
        services: name → definition.
        containers: name → definition.
    """

    services: Mapping[str, Mapping[str, Any]]
    containers: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(
        cls,
        catalogue: Mapping[str, Mapping[str, Any]],
        services: Mapping[str, Mapping[str, Any]],
        containers: Mapping[str, Mapping[str, Any]],
    ) -> Names:
        """Return the names of a cloud; services that run in containers are also known as these containers.

        Args:
            catalogue: the services of its kind of cloud.
            services: the configured services; they win over those of the catalogue.
            containers: the configured containers; they win over those of services.
        """
        known = {**catalogue, **services}
        inside = {entry["container"]: entry for entry in known.values() if "container" in entry}
        found = {name: {"container": name, "engine": entry.get("engine", "auto")} for name, entry in inside.items()}
        return cls(known, {**found, **containers})

    def service(self, name: str) -> str:
        """Return the name of a service, given by its name or by one of its older names.

        Raises:
            ServiceError: the service is not known; the message has the nearest names.
        """
        if name in self.services:
            return name
        for service, definition in self.services.items():
            if name in definition.get("aliases", ()):
                return service
        raise ServiceError(f"service '{name}' is not known; {did_you_mean(name, self.services)}")

    def container(self, name: str) -> str:
        """Return the name of a container.

        Raises:
            ContainerError: the container is not known; the message has the nearest names.
        """
        if name not in self.containers:
            raise ContainerError(f"container '{name}' is not known; {did_you_mean(name, self.containers)}")
        return name

    def guards(self, config: Config) -> Guards:
        """Return the guard rails of a configuration.

        Raises:
            ConfigError: a service to protect is not known, so the protection would have no effect.
        """
        plain = self.containers.keys() - self.services.keys()
        try:
            services = [
                name if is_pattern(name) or name in plain else self.service(name) for name in config.protected.services
            ]
        except ServiceError as error:
            raise ConfigError(f"{config.source}: protected.services: {error}") from error
        limits = tuple(Limit(text, "the configuration") for text in config.limits)
        return Guards(limits, config.protected.nodes, tuple(services))
