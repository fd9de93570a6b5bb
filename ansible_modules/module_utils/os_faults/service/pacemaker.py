"""Ask Pacemaker about its cluster: which resources it has, where they run, and which nodes they are banned from."""

from __future__ import annotations

import contextlib
import shutil
from typing import Callable, Mapping, NamedTuple
from xml.etree import ElementTree

from ansible.module_utils.os_faults import errors

Run = Callable[..., "tuple[int, str, str]"]
"""How a command is run: ``module.run_command``."""

_WHOLE = ("group", "clone", "bundle")
"""The elements of ``crm_mon`` that are made of resources and have a name of their own."""

_REMOTE = "pacemaker:remote"
"""The agent by which Pacemaker runs what is inside of a container."""

_UNIT_AGENTS = ("systemd:", "service:", "lsb:")
"""The kinds of agents whose resource is a unit of systemd, where systemd runs the host."""


class Resource(NamedTuple):
    """A resource, or a group or clone of some."""

    id: str
    nodes: tuple[str, ...]
    """Names of the cluster's nodes on which it runs, or a part of it."""
    agent: str
    """The kind of a single resource (``systemd:memcached``); empty for a group."""
    everywhere: bool
    """Whether it is a clone or a bundle, or part of one: it runs on several nodes at once."""
    disabled: bool
    """Whether the cluster is told to keep it stopped (``target-role=Stopped``)."""
    managed: bool
    """Whether the cluster starts and stops it at all."""
    bundle: str = ""
    """The bundle that it is part of; empty for none. Only the bundle as a whole is started and stopped."""

    @property
    def unit(self) -> str | None:
        """The systemd unit that it is; None when it is none."""
        kind = next((kind for kind in _UNIT_AGENTS if self.agent.startswith(kind)), None)
        return self.agent[len(kind) :] if kind else None


class _Outer(NamedTuple):
    """What a resource has from those that it is part of."""

    guests: Mapping[str, frozenset[str]]
    """Name of the node that a replica of a bundle is → the nodes on which its container runs."""
    everywhere: bool = False
    disabled: bool = False
    bundle: str = ""


class Cluster(NamedTuple):
    """What one of its nodes knows of the cluster."""

    nodes: tuple[str, ...]
    """Names of the nodes that are online, without those that are containers of a bundle."""
    resources: Mapping[str, Resource]
    bans: frozenset[tuple[str, str]]
    """``(resource, node)`` of each ban that a person or a program (not the configuration) has made."""

    def resource(self, name: str) -> Resource:
        """Return a resource by its name.

        Raises:
            ClusterError: with the names that there are.
        """
        if name not in self.resources:
            known = ", ".join(sorted(self.resources)) or "none"
            raise errors.ClusterError(f"Pacemaker has no resource {name!r} on this cluster; it has: {known}")
        return self.resources[name]


def parse(text: str) -> Cluster:
    """Read the answer of ``crm_mon`` in XML.

    Raises:
        ClusterError: it is none.
    """
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 (it is the answer of the host's own tool)
    except ElementTree.ParseError as error:
        raise errors.ClusterError(f"crm_mon answered what is no XML: {error}") from error
    guests = _guests(root)
    online = (node.get("name", "") for node in root.iterfind("./nodes/node") if node.get("online") == "true")
    resources: dict[str, Resource] = {}
    for element in root.iterfind("./resources/*"):
        _collect(element, resources, _Outer(guests))
    bans = frozenset(
        (ban.get("resource", ""), ban.get("node", ""))
        for ban in root.iterfind("./bans/ban")
        if ban.get("id", "").startswith("cli-ban-")
    )
    return Cluster(tuple(name for name in online if name not in guests), resources, bans)


def _guests(root: ElementTree.Element) -> dict[str, frozenset[str]]:
    return {
        resource.get("id", ""): frozenset(node.get("name", "") for node in resource.iter("node"))
        for replica in root.iter("replica")
        for resource in replica.iter("resource")
        if resource.get("resource_agent", "").replace("::", ":").endswith(_REMOTE)
    }


def _collect(element: ElementTree.Element, found: dict[str, Resource], outer: _Outer) -> None:
    outer = outer._replace(
        everywhere=outer.everywhere or element.tag in ("clone", "bundle"),
        disabled=outer.disabled or element.get("disabled") == "true" or element.get("target_role") == "Stopped",
    )
    if element.tag in (*_WHOLE, "replica"):
        inner = outer._replace(bundle=element.get("id", "")) if element.tag == "bundle" else outer
        for part in element:
            _collect(part, found, inner)
    if element.tag not in (*_WHOLE, "resource"):
        return
    name = element.get("id", "").partition(":")[0]  # instances of a clone may be numbered
    running = set(found[name].nodes) if name in found else set()
    for node in element.iter("node"):
        running |= outer.guests.get(node.get("name", ""), {node.get("name", "")})
    found[name] = Resource(
        name,
        tuple(sorted(running)),
        element.get("resource_agent", "").replace("::", ":"),
        outer.everywhere,
        outer.disabled,
        element.get("managed") != "false",
        outer.bundle,
    )


def installed() -> bool:
    """Return whether this host has Pacemaker's tools."""
    return shutil.which("crm_mon") is not None and shutil.which("crm_resource") is not None


def ask(run: Run) -> Cluster:
    """Return what this node knows of the cluster.

    Raises:
        ClusterError: Pacemaker is not installed here, does not run, or may not be asked by this user.
    """
    if not installed():
        raise errors.ClusterError("Pacemaker is not installed on this host (crm_mon and crm_resource are not there)")
    code, out, err = run(["crm_mon", "-1", "--output-as=xml"])
    if "<crm_mon" not in out and "<pacemaker-result" not in out:
        code, out, err = run(["crm_mon", "--as-xml"])  # before 2.0.3
    if code:
        why = refusal(out, err) or f"exit code {code:d}"
        raise errors.ClusterError(
            f"Pacemaker does not answer on this host: {why}; if it is stopped, start it (systemctl start pacemaker)"
        )
    return parse(out)


def refusal(out: str, err: str) -> str:
    """Return the reason that a tool of Pacemaker printed, as text or in XML; "" when it printed none.

    >>> refusal('<pacemaker-result><status code="102" message="Not connected"/></pacemaker-result>', "")
    'Not connected'
    """
    with contextlib.suppress(ElementTree.ParseError):
        root = ElementTree.fromstring(out)  # noqa: S314 (it is the answer of the host's own tool)
        told = [error.text or "" for error in root.iterfind("./status/errors/error")]
        told += [status.get("message", "") for status in root.iterfind("./status")]
        return next((each.strip() for each in told if each.strip()), "")
    lines = (err.strip() or out.strip()).splitlines()
    return lines[-1] if lines else ""


def own_name(run: Run) -> str:
    """Return the name that this host has in the cluster.

    Raises:
        ClusterError: it is in none.
    """
    code, out, err = run(["crm_node", "--name"])
    if code or not out.strip():
        why = err.strip() or f"exit code {code:d}"
        raise errors.ClusterError(f"Pacemaker does not know this host: {why}")
    return out.strip()
