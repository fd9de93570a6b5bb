"""Drivers by name, found through entry points: ours and those of other packages alike.

A package adds a driver with one line of its metadata, in the group of its kind::

    [project.entry-points."os_faults.power"]
    redfish = "my_package.redfish:RedfishPower"
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from os_faults.errors import ConfigError, OSFDriverNotFound, did_you_mean

Kind = Literal["cloud", "power", "service", "node_discover"]
KINDS: tuple[Kind, ...] = ("cloud", "power", "service", "node_discover")


def names(kind: Kind) -> tuple[str, ...]:
    """Return the names of all drivers of one kind, sorted.

    Example:
        >>> names("cloud")
        ('devstack', 'universal')
    """
    return tuple(sorted({entry.name for entry in _entries(kind)}))


def get(kind: Kind, name: str) -> Any:
    """Return the class of a driver.

    Args:
        kind: ``cloud``, ``power``, ``service`` or ``node_discover``.
        name: the driver's name, as in the configuration.

    Example:
        >>> get("cloud", "devstack").NAME
        'devstack'

    Raises:
        OSFDriverNotFound: no driver of this kind has the name; the message lists the nearest.
        ConfigError: two packages give the same name to different drivers, or the driver can't
            be imported.
    """
    found = {entry.value: entry for entry in _entries(kind) if entry.name == name}
    if not found:
        raise OSFDriverNotFound(f"no {kind} driver {name!r}: {did_you_mean(name, names(kind))}")
    if len(found) > 1:
        raise ConfigError(f"two {kind} drivers are called {name!r}: {' and '.join(sorted(found))}")
    (entry,) = found.values()
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"can't import the {kind} driver {name!r} ({entry.value}): {error}") from error


def _entries(kind: Kind) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=f"os_faults.{kind}"))
