"""Query Pacemaker: resources of the cluster, their nodes, and their bans."""

from __future__ import annotations

import contextlib
import shutil
from typing import Callable, Mapping, NamedTuple
from xml.etree import ElementTree

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.host.text import last_line

Run = Callable[..., "tuple[int, str, str]"]
"""The function that runs a command: ``module.run_command``."""

_WHOLE = ("group", "clone", "bundle")
"""Elements of ``crm_mon`` that contain resources and have a name."""

_REMOTE = "pacemaker:remote"
"""Agent of the resources inside a container."""

_UNIT_AGENTS = ("systemd:", "service:", "lsb:")
"""Kinds of agents whose resource is a systemd unit, on hosts with systemd."""


class Resource(NamedTuple):
    """A resource, group or clone."""

    id: str
    nodes: tuple[str, ...]
    """Names of the nodes on which it, or a part of it, runs."""
    agent: str
    """The agent of a single resource (``systemd:memcached``); empty for a group."""
    everywhere: bool
    """Whether it is a clone or bundle, or part of one, which runs on several nodes at once."""
    disabled: bool
    """Whether the cluster keeps it stopped (``target-role=Stopped``)."""
    managed: bool
    """Whether the cluster starts and stops it."""
    bundle: str = ""
    """The bundle that it belongs to; empty for none. Only whole bundles are started and stopped."""
    starting: tuple[str, ...] = ()
    """The nodes on which it, or a part of it, is still starting."""

    @property
    def unit(self) -> str | None:
        """Its systemd unit; None if it is not a unit."""
        kind = next((kind for kind in _UNIT_AGENTS if self.agent.startswith(kind)), None)
        return self.agent[len(kind) :] if kind else None


class _Outer(NamedTuple):
    """The properties that a resource has from its group, clone or bundle."""

    guests: Mapping[str, frozenset[str]]
    """Node name of a replica of a bundle → the nodes on which its container runs."""
    everywhere: bool = False
    disabled: bool = False
    bundle: str = ""


class Cluster(NamedTuple):
    """The cluster, as one of its nodes sees it."""

    nodes: tuple[str, ...]
    """Names of the online nodes, without the containers of bundles."""
    resources: Mapping[str, Resource]
    bans: frozenset[tuple[str, str]]
    """``(resource, node)`` of each ban by ``crm_resource``; rules of the configuration are left out."""

    def resource(self, name: str) -> Resource:
        """Return a resource by its name.

        Raises:
            ClusterError: there is none; the message has the names of all resources.
        """
        if name not in self.resources:
            known = ", ".join(sorted(self.resources)) or "none"
            raise errors.ClusterError(f"Pacemaker has no resource {name!r} on this cluster; it has: {known}")
        return self.resources[name]


def parse(text: str) -> Cluster:
    """Parse the XML of ``crm_mon``.

    Raises:
        ClusterError: it is not XML.
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
    before = found.get(name)
    running = set(before.nodes) if before else set()
    starting = set(before.starting) if before else set()
    for resource in element.iter("resource"):
        nodes = {node.get("name", "") for node in resource.iter("node")}
        here = nodes.union(*(outer.guests.get(node, ()) for node in nodes)).difference(outer.guests)
        running |= here
        starting |= here if resource.get("role") == "Starting" else set()
    found[name] = Resource(
        name,
        tuple(sorted(running)),
        element.get("resource_agent", "").replace("::", ":"),
        outer.everywhere,
        outer.disabled,
        element.get("managed") != "false",
        outer.bundle,
        tuple(sorted(starting)),
    )


def installed() -> bool:
    """Return whether this host has Pacemaker's tools."""
    return shutil.which("crm_mon") is not None and shutil.which("crm_resource") is not None


def ask(run: Run) -> Cluster:
    """Return the cluster, as this node sees it.

    Raises:
        ClusterError: Pacemaker is not installed here, does not run, or does not answer this user.
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
    """Return the reason in the output of a tool of Pacemaker, text or XML; "" if there is none.

    >>> refusal('<pacemaker-result><status code="102" message="Not connected"/></pacemaker-result>', "")
    'Not connected'
    """
    with contextlib.suppress(ElementTree.ParseError):
        root = ElementTree.fromstring(out)  # noqa: S314 (it is the answer of the host's own tool)
        told = [error.text or "" for error in root.iterfind("./status/errors/error")]
        told += [status.get("message", "") for status in root.iterfind("./status")]
        return next((each.strip() for each in told if each.strip()), "")
    return last_line(err) or last_line(out)


def own_name(run: Run) -> str:
    """Return the name of this host in the cluster.

    Raises:
        ClusterError: it is in no cluster.
    """
    code, out, err = run(["crm_node", "--name"])
    if code or not out.strip():
        why = err.strip() or f"exit code {code:d}"
        raise errors.ClusterError(f"Pacemaker does not know this host: {why}")
    return out.strip()
