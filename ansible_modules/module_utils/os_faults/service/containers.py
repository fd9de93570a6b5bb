"""Ask docker or podman about containers: which there are, how they are, and which unit of systemd runs them."""

from __future__ import annotations

import json
import shutil
from typing import Any, Callable, Iterable, Iterator, Mapping, NamedTuple

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.host import proc, sockets
from ansible.module_utils.os_faults.service import systemd

Run = Callable[..., "tuple[int, str, str]"]
"""How a command is run: ``module.run_command``."""

ENGINES = ("podman", "docker")
"""The programs that can be asked; docker may be podman under another name, so podman comes first."""

UNITS = (
    "kolla-{name}-container.service",
    "edpm_{name}.service",
    "tripleo_{name}.service",
    "container-{name}.service",
)
"""The units in which OpenStack's installers, and podman itself, run a container: kolla, EDPM, TripleO."""

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 (an engine's words, nothing is bound)

_UNIT_LABEL = "PODMAN_SYSTEMD_UNIT"


class Container(NamedTuple):
    """A container as it is at this moment."""

    name: str
    engine: str
    """``docker`` or ``podman``."""
    status: str
    """The engine's own word: ``running``, ``paused``, ``exited``, ``created`` …"""
    pid: int
    """Its main process, as this host counts; 0 when it does not run."""
    started: str
    """When it was started last, as the engine writes it."""
    policy: str
    """What the engine itself does when it ends (``always``, ``no`` …)."""
    unit: str | None
    """The unit that its label names."""
    published: tuple[sockets.Port, ...] = ()
    """The ports of this host from which the engine forwards to it."""

    @property
    def runs(self) -> bool:
        """Whether it has processes, stopped in their tracks or not."""
        return self.status in ("running", "paused") and self.pid > 0

    @property
    def pids(self) -> list[int]:
        """All its processes."""
        return proc.trees([self.pid]) if self.runs else []


def parse(text: str, engine: str) -> Container | None:
    """Read what ``ENGINE container inspect NAME`` says of one container; None when it is none.

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
        published=tuple(_published(ports)),
    )


def _published(ports: Mapping[str, Any]) -> Iterator[sockets.Port]:
    """Yield the ports of the host that an engine lists by port and protocol of the container (``80/tcp``)."""
    for inside, outside in ports.items():
        protocol = inside.rpartition("/")[2]
        for each in outside or [] if protocol in ("tcp", "udp") else []:
            address, number = str(each.get("HostIp") or ""), str(each.get("HostPort") or "")
            if number.isdigit():
                yield sockets.Port(protocol, int(number), "" if address in _EVERYWHERE else address)


def engines(wanted: str = "auto") -> list[str]:
    """Return the engines of this host that may be meant.

    Raises:
        ContainerError: it is not installed.
    """
    found = [engine for engine in (ENGINES if wanted == "auto" else (wanted,)) if shutil.which(engine)]
    if not found:
        absent = "neither podman nor docker is" if wanted == "auto" else wanted + " is not"
        raise errors.ContainerError(f"{absent} installed on this host")
    return found


def find(run: Run, name: str, wanted: str = "auto") -> Container:
    """Return the container with exactly this name, running or not.

    Raises:
        ContainerError: no engine that answers has it; the message says which there are, and which engine is broken.
    """
    known: list[str] = []
    broken: list[str] = []
    for engine in engines(wanted):
        code, out, _err = run([engine, "container", "inspect", name])
        found = parse(out, engine) if code == 0 else None
        if found is not None and found.name == name:  # an engine also takes the beginning of an identity for a name
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
    # What an engine writes for a state differs from version to version; what it filters by does not.
    running = _names(run, engine, "--filter", "status=running")
    return {name: name in running for name in _names(run, engine, "--all")}


def _names(run: Run, engine: str, *options: str) -> list[str]:
    code, out, err = run([engine, "ps", *options, "--format", "{{.Names}}"])
    if code:
        said = (err.strip() or out.strip()).splitlines()
        why = said[-1] if said else f"exit code {code:d}"
        raise errors.ContainerError(f"{engine} does not answer: {why}")
    return [line.partition(",")[0].strip() for line in out.splitlines() if line.strip()]


def on_host(run: Run, wanted: Mapping[str, Mapping[str, Any]], notes: list[str]) -> dict[str, dict[str, Any]]:
    """Return those of the containers that are on this host, by the names that we know them by.

    Args:
        run: how to run a command.
        wanted: our name → ``container`` (its own name) and ``engine``.
        notes: a sentence about an engine that does not answer is added; its containers are left out.
    """
    found: dict[str, dict[str, Any]] = {}
    for engine in _present(str(entry.get("engine", "auto")) for entry in wanted.values()):
        try:
            there = listed(run, engine)
        except errors.ContainerError as error:
            notes += [str(error)] * (str(error) not in notes)
            continue
        for name, entry in wanted.items():
            if entry.get("engine", "auto") in ("auto", engine) and entry["container"] in there and name not in found:
                found[name] = {"engine": engine, "active": there[entry["container"]]}
    return found


def _present(wanted: Iterable[str]) -> list[str]:
    asked = set(wanted)
    meant = [engine for engine in ENGINES if asked & {engine, "auto"}]
    return [engine for engine in meant if shutil.which(engine)]


def unit_of(run: Run, container: Container) -> str | None:
    """Return the unit of systemd that runs a container; None when none does.

    What such a unit runs has to be stopped by systemd: it would start the container again.
    """
    if not systemd.booted():
        return None
    names = [container.unit] if container.unit else [unit.format(name=container.name) for unit in UNITS]
    facts = systemd.show(run, names)
    return next((name for name in names if facts.get(name, {}).get("LoadState") == "loaded"), None)
