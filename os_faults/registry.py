"""Drivers by name, found through entry points: those of os_faults and of other packages.

A package adds a driver by one line in its metadata, in the group of its kind::

    [project.entry-points."os_faults.power"]
    ilo = "my_package.ilo:IloPower"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from os_faults.config import Config, DriverConfig, auth_of, check
from os_faults.drivers import CloudDriver, PowerDriver
from os_faults.errors import ConfigError, OSFDriverNotFound, OSFDriverWithSuchNameExists, did_you_mean
from os_faults.model import Node

Kind = Literal["cloud", "power", "service", "container", "node_discover"]
KINDS: tuple[Kind, ...] = ("cloud", "power", "service", "container", "node_discover")


def names(kind: Kind) -> tuple[str, ...]:
    """Return the names of all drivers of one kind, sorted.

    Example:
        >>> names("cloud")
        ('devstack', 'fuel', 'kolla', 'saltcloud', 'tcpcloud', 'universal')
    """
    return tuple(sorted({entry.name for entry in _entries(kind)}))


def present_names(kind: Kind) -> tuple[str, ...]:
    """Return the names of all drivers of one kind without the older names, sorted.

    Example:
        >>> present_names("container")
        ('docker', 'podman')
    """
    return tuple(name for name in names(kind) if not is_older_name(kind, name))


def get(kind: Kind, name: str) -> Any:
    """Return the class of a driver.

    Args:
        kind: ``cloud``, ``power``, ``service``, ``container`` or ``node_discover``.
        name: the driver's name, as in the configuration.

    Example:
        >>> get("cloud", "devstack").NAME
        'devstack'

    Raises:
        OSFDriverNotFound: no driver of this kind has the name; the message lists the nearest names.
        OSFDriverWithSuchNameExists: two packages give the same name to different drivers.
        ConfigError: the driver can't be imported.
    """
    found = {entry.value: entry for entry in _entries(kind) if entry.name == name}
    if not found:
        raise OSFDriverNotFound(f"no {kind} driver {name!r}: {did_you_mean(name, names(kind))}")
    if len(found) > 1:
        raise OSFDriverWithSuchNameExists(f"two {kind} drivers are called {name!r}: {' and '.join(sorted(found))}")
    (entry,) = found.values()
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"can't import the {kind} driver {name!r} ({entry.value}): {error}") from error


@dataclass(frozen=True)
class Drivers:
    """The drivers of one configuration.

    Attributes:
        cloud: the cloud driver.
        power: the power drivers; the first that knows a node is used.
        services: the configured services, in the form of a catalogue.
        containers: the configured containers, each with ``engine`` and ``container``.
    """

    cloud: CloudDriver
    power: tuple[PowerDriver, ...]
    services: Mapping[str, Mapping[str, Any]]
    containers: Mapping[str, Mapping[str, Any]]


def drivers_of(config: Config) -> Drivers:
    """Return the drivers of a configuration, with checked arguments.

    Raises:
        OSFDriverNotFound: a driver is not known.
        ConfigError: an argument is unknown, missing or wrong.
    """
    listed = _listed(config, config.node_discover) if config.node_discover else ()
    return Drivers(
        cloud=_made("cloud", config.cloud, listed),
        power=tuple(_made("power", entry) for entry in config.power),
        services={name: _made("service", entry).entry() for name, entry in config.services.items()},
        containers={
            name: {"container": name, **_made("container", entry).entry()} for name, entry in config.containers.items()
        },
    )


def _listed(config: Config, entry: DriverConfig) -> tuple[Node, ...]:
    """Return the nodes that ``node_discover`` names; missing login keys come from the cloud's login."""
    cloud = _class("cloud", config.cloud)
    check(config.cloud.args, cloud.SCHEMA, config.cloud.where)
    auth_of(config.cloud.args, where=config.cloud.where)  # refuses a login that is given twice
    become = getattr(cloud, "root_by_default", False) or _is_of_older_versions(config)
    return tuple(_made("node_discover", entry).seeds(config.cloud.args, root_by_default=become))


def _is_of_older_versions(config: Config) -> bool:
    """Return whether a configuration names a driver as only version 0.3 did; there every verb was done as root."""
    return any(is_older_name("service", entry.driver) for entry in config.services.values()) or any(
        is_older_name("container", entry.driver) for entry in config.containers.values()
    )


def is_older_name(kind: Kind, name: str) -> bool:
    """Return whether the name of a driver is an older one, kept for configurations of version 0.3."""
    return name in names(kind) and bool(getattr(get(kind, name), "OLDER_NAME_OF", ""))


def _made(kind: Kind, entry: DriverConfig, *more: Any) -> Any:
    return _class(kind, entry)(entry.args, entry.where, *more)


def _class(kind: Kind, entry: DriverConfig) -> Any:
    try:
        return get(kind, entry.driver)
    except OSFDriverNotFound as error:
        raise OSFDriverNotFound(f"{entry.where.removesuffix('.args')}.driver: {error}") from None


def _entries(kind: Kind) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=f"os_faults.{kind}"))
