"""Query docker or podman: containers, their state, and the systemd units that run them."""

from __future__ import annotations

import json
import shutil
from typing import Any, Callable, Iterable, Mapping, NamedTuple

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.host import proc
from ansible.module_utils.os_faults.host.text import last_line
from ansible.module_utils.os_faults.service import systemd

Run = Callable[..., "tuple[int, str, str]"]
"""The function that runs a command: ``module.run_command``."""

ENGINES = ("podman", "docker")
"""The supported engines; podman is first, as ``docker`` may be an alias of it."""

UNITS = (
    "kolla-{name}-container.service",
    "edpm_{name}.service",
    "tripleo_{name}.service",
    "container-{name}.service",
)
"""Names of the units that run a container with kolla, EDPM, TripleO and podman."""

_UNIT_LABEL = "PODMAN_SYSTEMD_UNIT"


class Container(NamedTuple):
    """The current state of a container."""

    name: str
    engine: str
    """``docker`` or ``podman``."""
    status: str
    """State in the words of the engine: ``running``, ``paused``, ``exited``, ``created`` …"""
    pid: int
    """Pid of its main process on the host; 0 if it does not run."""
    started: str
    """Time of its last start, in the form of the engine."""
    policy: str
    """Restart policy of the engine (``always``, ``no`` …)."""
    unit: str | None
    """The unit in its label."""
    ports: Mapping[str, Any] = {}
    """Its ports and those of the host that the engine forwards to them, in the form of the engine."""

    @property
    def runs(self) -> bool:
        """Whether it has processes, paused or not."""
        return self.status in ("running", "paused") and self.pid > 0

    @property
    def pids(self) -> list[int]:
        """Pids of all its processes."""
        return proc.trees([self.pid]) if self.runs else []


def parse(text: str, engine: str) -> Container | None:
    """Parse the output of ``ENGINE container inspect NAME``; None if it is not valid.

    >>> parse('[{"Name": "/web", "State": {"Status": "running", "Pid": 7}}]', "docker").name
    'web'
    """
    try:
        (about,) = json.loads(text)
    except ValueError:
        return None
    state: Mapping[str, Any] = about.get("State") or {}
    policy: Mapping[str, Any] = (about.get("HostConfig") or {}).get("RestartPolicy") or {}
    ports: Mapping[str, Any] = (about.get("NetworkSettings") or {}).get("Ports") or {}
    labels: Mapping[str, Any] = (about.get("Config") or {}).get("Labels") or {}
    return Container(
        name=str(about.get("Name", "")).lstrip("/"),
        engine=engine,
        status=str(state.get("Status", "")).lower(),
        pid=int(state.get("Pid") or 0),
        started=str(state.get("StartedAt", "")),
        policy=str(policy.get("Name") or "no"),
        unit=labels.get(_UNIT_LABEL),
        ports=ports,
    )


def engines(wanted: str = "auto") -> list[str]:
    """Return the installed engines among the wanted ones.

    Raises:
        ContainerError: none is installed.
    """
    found = [engine for engine in (ENGINES if wanted == "auto" else (wanted,)) if shutil.which(engine)]
    if not found:
        absent = "neither podman nor docker is" if wanted == "auto" else wanted + " is not"
        raise errors.ContainerError(f"{absent} installed on this host")
    return found


def find(run: Run, name: str, wanted: str = "auto") -> Container:
    """Return the container with exactly this name, running or not.

    Raises:
        ContainerError: there is none; the message has the names of all containers, and the engines without an answer.
    """
    known: list[str] = []
    broken: list[str] = []
    for engine in engines(wanted):
        code, out, _err = run([engine, "container", "inspect", name])
        found = parse(out, engine) if code == 0 else None
        if found is not None and found.name == name:  # an engine also accepts the beginning of an id as a name
            return found
        try:
            known += sorted(listed(run, engine))
        except errors.ContainerError as error:
            broken.append(f"; {error}")
    there = f"there are: {', '.join(known) or 'none'}"
    raise errors.ContainerError(f"no container {name!r} on this host; {there}{''.join(broken)}")


def listed(run: Run, engine: str) -> dict[str, bool]:
    """Return all containers of an engine, running or not: name → whether it runs.

    Raises:
        ContainerError: the engine does not answer.
    """
    # The printed state differs between versions of an engine; the filter does not.
    running = _names(run, engine, "--filter", "status=running")
    return {name: name in running for name in _names(run, engine, "--all")}


def _names(run: Run, engine: str, *options: str) -> list[str]:
    code, out, err = run([engine, "ps", *options, "--format", "{{.Names}}"])
    if code:
        why = last_line(err) or last_line(out) or f"exit code {code:d}"
        raise errors.ContainerError(f"{engine} does not answer: {why}")
    return [line.partition(",")[0].strip() for line in out.splitlines() if line.strip()]


def on_host(run: Run, wanted: Mapping[Any, Mapping[str, Any]], notes: list[str]) -> dict[Any, dict[str, Any]]:
    """Return the wanted containers that are on this host.

    Args:
        run: runs a command.
        wanted: key → ``container`` (its name in the engine) and ``engine``.
        notes: gets a sentence about each engine without an answer, whose containers are left out.
    """
    found: dict[Any, dict[str, Any]] = {}
    for engine in _present(str(entry.get("engine", "auto")) for entry in wanted.values()):
        try:
            there = listed(run, engine)
        except errors.ContainerError as error:
            notes += [str(error)] * (str(error) not in notes)
            continue
        for key, entry in wanted.items():
            if entry.get("engine", "auto") in ("auto", engine) and entry["container"] in there and key not in found:
                found[key] = {"engine": engine, "active": there[entry["container"]]}
    return found


def _present(wanted: Iterable[str]) -> list[str]:
    asked = set(wanted)
    meant = [engine for engine in ENGINES if asked & {engine, "auto"}]
    return [engine for engine in meant if shutil.which(engine)]


def unit_of(run: Run, container: Container) -> str | None:
    """Return the systemd unit that runs a container; None if there is none.

    Only a stop of the unit stops such a container; otherwise systemd would start it again.
    """
    if not systemd.booted():
        return None
    names = [container.unit] if container.unit else [unit.format(name=container.name) for unit in UNITS]
    facts = systemd.show(run, names)
    return next((name for name in names if facts.get(name, {}).get("LoadState") == "loaded"), None)
