"""Resolve the definition of a service on the host: its units and processes.

The definition is from the catalogue or the configuration: ``driver``, and ``units`` or one of `programs.HANDLES`. The
result is the current state of the host.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping, NamedTuple, Sequence

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.host import pidfiles
from ansible.module_utils.os_faults.service import containers, pacemaker, programs, systemd


class Service(NamedTuple):
    """The current units and processes of a service on this host."""

    units: tuple[str, ...]
    """Ids of its systemd units; empty for a service without units."""
    pids: tuple[int, ...]
    """Pids of all its processes."""
    published: Mapping[str, Any] = {}
    """The ports of its container, see `containers.Container`."""


def resolve(module: Any, definition: Mapping[str, Any], name: str | None = None) -> Service:
    """Return the units and processes of a service on this host.

    Args:
        module: the running module.
        definition: ``{"driver": "systemd", "units": [pattern, …]}`` or ``{"driver": "process", "pidfile": path}``; for
            more ways to find a process see `programs`. ``{"driver": "pacemaker", "resource": name}`` may have one of
            these handles; a resource that is a unit needs none. ``{"driver": "container", "container": name}`` may have
            an ``engine``.
        name: name of the service, for messages.

    Raises:
        ServiceError: it has no unit on this host, its pid file is not trusted, programs of several users match, or its
            driver is not known.
    """
    found = where_processes_are(module, definition, name)
    if "units" in found:
        facts = find_units(module, found["units"], name)
        return Service(tuple(facts), tuple(pids_of(facts)))
    container = _container(module, found)
    if container:
        return Service((), tuple(container.pids), container.ports)
    return Service((), tuple(_of_program(programs.pids, found, None)))


def processes(
    module: Any, definition: Mapping[str, Any], name: str | None = None, user: int | None = None
) -> list[int]:
    """Return the pids of a service; see `resolve`, and `programs.mains` for ``user``."""
    found = where_processes_are(module, definition, name)
    if "units" in found:
        return pids_of(find_units(module, found["units"], name))
    container = _container(module, found)
    return container.pids if container else _of_program(programs.pids, found, user)


def mains(
    module: Any, definition: Mapping[str, Any], name: str | None = None, user: int | None = None
) -> list[pidfiles.Named]:
    """Return the main processes of a service without units; see `processes`."""
    found = where_processes_are(module, definition, name)
    container = _container(module, found)
    if container is None:
        return _of_program(programs.mains, found, user)
    return [pidfiles.Named(container.pid, None)] if container.runs else []


def _of_program(
    look: Callable[[Mapping[str, Any], int | None], list[Any]],
    found: Mapping[str, Any],
    user: int | None,
) -> list[Any]:
    try:
        return look(found, user)
    except errors.Refused as error:
        raise errors.ServiceError(str(error)) from error


def _container(module: Any, found: Mapping[str, Any]) -> containers.Container | None:
    if "container" not in found:
        return None
    try:
        return containers.find(module.run_command, found["container"], found.get("engine", "auto"))
    except errors.ContainerError as error:
        raise errors.ServiceError(str(error)) from error


def where_processes_are(module: Any, definition: Mapping[str, Any], name: str | None = None) -> Mapping[str, Any]:
    """Return the keys that identify the processes of a service: ``units``, ``container`` or `programs.HANDLES`.

    Raises:
        ServiceError: there is none.
    """
    driver = definition.get("driver", "systemd")
    if driver not in ("process", "systemd", "pacemaker", "container"):
        raise errors.ServiceError(f"the driver {driver!r} of service {name!r} is not known on the host")
    keys = ("units", "container", "engine", *programs.HANDLES)
    handles = {key: definition[key] for key in keys if definition.get(key)}
    return handles if handles or driver != "pacemaker" else _of_resource(module, definition, name)


def _of_resource(module: Any, definition: Mapping[str, Any], name: str | None) -> Mapping[str, Any]:
    """Return the unit of a resource of Pacemaker; ``or_units`` if the cluster does not have the resource."""
    resource, units = definition["resource"], definition.get("or_units")
    try:
        cluster = pacemaker.ask(module.run_command)
        if units and resource not in cluster.resources:
            return {"units": units}
        unit = cluster.resource(resource).unit
    except errors.ClusterError as error:
        if units:
            return {"units": units}
        raise errors.ServiceError(str(error)) from error
    if unit is None:
        raise errors.ServiceError(
            f"which processes Pacemaker's resource {resource} has is not known: "
            f"give service {name or resource!r} grep, executable or pidfile"
        )
    return {"units": [unit]}


def find_units(
    module: Any, patterns: Sequence[str], name: str | None = None, properties: Sequence[str] = ()
) -> dict[str, Mapping[str, str]]:
    """Return the properties of the units of the first matching pattern, by id.

    Args:
        module: the running module.
        patterns: names and shell patterns in order of preference.
        name: name of the service, for messages.
        properties: properties in addition to `systemd.STATE` and ``ControlGroup``.

    Raises:
        ServiceError: no pattern matches a unit of this host, or the host does not run systemd.
    """
    if not systemd.booted():
        raise errors.ServiceError(
            f"service {name or patterns[0]!r} is a systemd unit, but this host is not run by systemd"
        )
    try:
        wanted = [systemd.pattern(each) for each in patterns]
        facts = systemd.first(module.run_command, wanted, (*systemd.STATE, "ControlGroup", *properties))
    except errors.UnitError as error:
        raise errors.ServiceError(str(error)) from error
    found = {unit: each for unit, each in facts.items() if each.get("LoadState") != "not-found"}
    if not found:
        raise errors.ServiceError(
            f"no unit of service {name or patterns[0]!r} on this host (looked for: {', '.join(wanted)})"
        )
    return found


def pids_of(facts: Mapping[str, Mapping[str, str]]) -> list[int]:
    """Return the pids in the control groups of the units."""
    groups = (systemd.cgroup_of(each.get("ControlGroup", "")) for each in facts.values())
    return sorted({pid for directory in groups if directory for pid in systemd.pids_in(directory)})
