"""Errors through a jump host: they name it, and ssh's own reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from os_faults.ansible import ssh_errors
from os_faults.model import HostResult, Node, Result, Status

#: Most characters of a reason that are read.
_MOST = 4000


def with_jump_hosts(result: Result, directory: Path) -> Result:
    """Return a result where the message of each unreachable node names its jump host, if it has one.

    Args:
        result: the result of a run.
        directory: the directory of the shared connections, where ``jump.sh`` leaves its reasons.
    """
    nodes = {node.fqdn: node for node in result.action.nodes}
    hosts = {name: _named(host, nodes.get(name), directory) for name, host in result.hosts.items()}
    parts = tuple(with_jump_hosts(part, directory) for part in result.parts)
    return replace(result, hosts=hosts, parts=parts)


def _named(host: HostResult, node: Node | None, directory: Path) -> HostResult:
    if host.status is not Status.UNREACHABLE or node is None or node.auth.jump is None:
        return host
    jump = node.auth.jump.host
    key = node.auth.jump.private_key_file or node.auth.private_key_file
    said = _said(directory / f"[{node.ip.lower()}]:{node.auth.port or 22}.said")
    if not said:
        return replace(host, message=f"{host.message} (through jump host {jump})")
    return replace(host, message=f"jump host {jump}: {ssh_errors.explained(said, key)}")


def _said(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MOST)
    except OSError:
        return ""
