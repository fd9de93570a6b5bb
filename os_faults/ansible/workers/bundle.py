"""The files for a worker: a private directory of ansible-runner without paths of this machine."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from os_faults import resources
from os_faults.ansible.settings import settings
from os_faults.config import SshConfig
from os_faults.model import Action, Node

#: Connections last until the next task, and not longer than the run's directory.
_PERSIST = 10


def pack(
    directory: Path,
    there: str,
    action: Action,
    inventory: Mapping[str, Any],
    ssh: SshConfig,
    files: Iterable[str],
    sockets: str = "",
) -> str:
    """Create the directory of a share and return the name of its playbook.

    Args:
        directory: path of the directory; it is created, private (0700), as it has passwords and keys.
        there: path of the directory on the worker.
        action: the action, with the nodes of this share.
        inventory: Ansible's inventory with the nodes of all shares: a node may need the address of another one.
        ssh: connection settings.
        files: paths of further files, such as those with passwords; the worker gets those that the inventory of its
            share names.
        sockets: path of the directory of sockets that the inventory names, if any.

    Raises:
        OSError: a key or another file can't be read.
    """
    shutil.copytree(resources.playbooks_dir(), directory / "project", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("env", "inventory", "files"):
        (directory / folder).mkdir(mode=0o700)
    hosts = _of_share(inventory, action.nodes)
    text = json.dumps(hosts)
    named = [path for path in files if path in text]  # secrets of other shares and of machines stay here
    paths = {path: f"{there}/files/{number}" for number, path in enumerate(_files(action.nodes, ssh, named))}
    for path, name in paths.items():
        if os.path.exists(path):  # ssh reports a missing file itself
            copy = directory / "files" / os.path.basename(name)
            copy.touch(mode=0o600)  # it keeps this mode, which ssh requires for a key
            shutil.copyfile(path, copy)
    (directory / "files" / "limit").write_text("".join(f"{node.fqdn}\n" for node in action.nodes), encoding="utf-8")
    places = {**paths, sockets: f"{there}/sockets"} if sockets else paths
    _write(directory / "inventory" / "hosts.json", _moved(hosts, places))
    if action.variables:
        _write(directory / "env" / "extravars", action.variables)
    libraries = [f"{there}/project/library", *_carry_libraries(directory, there)]
    (directory / "project" / "ansible.cfg").write_text(
        settings(ssh, f"{there}/sockets", libraries, f"{there}/project/module_utils", _PERSIST), encoding="utf-8"
    )
    (directory / "sockets").mkdir(mode=0o700)
    (directory / "sockets" / "here").touch()  # an empty directory would not be sent
    if not action.tasks:
        return action.playbook
    _write(directory / "project" / "main.yml", [action.play()])
    return "main.yml"


def _files(nodes: Iterable[Node], ssh: SshConfig, named: Iterable[str]) -> list[str]:
    """Return the paths of this machine that an inventory may name, long ones first: one may be a prefix of another."""
    keys = [key for node in nodes for key in _keys(node)]
    found = {path for path in (*keys, ssh.known_hosts, *named) if path is not None}
    return sorted(found, key=lambda path: (-len(path), path))


def _keys(node: Node) -> tuple[str | None, ...]:
    jump = node.auth.jump
    return node.auth.private_key_file, jump.private_key_file if jump else None


def _of_share(inventory: Mapping[str, Any], nodes: Iterable[Node]) -> dict[str, Any]:
    """Return the inventory of a share; nodes of other shares have only their address, and no login."""
    ours = {node.fqdn for node in nodes}
    everything = inventory["all"]
    hosts = {
        name: variables if name in ours else {key: variables[key] for key in ("ansible_host",) if key in variables}
        for name, variables in everything["hosts"].items()
    }
    return {**inventory, "all": {**everything, "hosts": hosts}}


def _moved(value: Any, paths: Mapping[str, str]) -> Any:
    """Return a copy with the paths of this machine replaced by those on the worker."""
    if isinstance(value, Mapping):
        return {key: _moved(item, paths) for key, item in value.items()}
    if isinstance(value, list):
        return [_moved(item, paths) for item in value]
    if isinstance(value, str):
        for here, there in paths.items():
            value = value.replace(here, there)
    return value


def _carry_libraries(directory: Path, there: str) -> list[str]:
    """Copy the registered modules, and return their directories on the worker."""
    names = []
    for number, library in enumerate(resources.module_paths()[1:]):
        target = directory / "libraries" / str(number)
        target.mkdir(parents=True)
        for module in library.iterdir():
            if module.is_file():
                shutil.copy(module, target)
        names.append(f"{there}/libraries/{number}")
    return names


def _write(path: Path, content: Any) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file)
