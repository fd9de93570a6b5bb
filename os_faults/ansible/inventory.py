"""Nodes → Ansible's inventory, as data. One function feeds the runner and ``os-faults inventory``.

It has no passwords: it names files that Ansible reads. Only these look-ups are templates, so no report of a host
becomes code on the controller. A configuration is trusted: it can name programs (`docs/configuration.md` lists them),
so its author has the rights of its user.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from os_faults.actions.template_marks import marked
from os_faults.config import Secret, SshConfig
from os_faults.errors import ConfigError
from os_faults.model import Auth, Jump, Node

_HOST_KEY_CHECKING = {"accept-new": "accept-new", "strict": "yes", "off": "no"}


#: The program that carries connections through a shared one to their jump host.
JUMP = Path(__file__).with_name("jump.sh")
#: A connection to a jump host carries this many nodes: ssh opens three files for each of them.
_NODES_PER_CONNECTION = 200


@dataclass(frozen=True)
class Shared:
    """The place of a shared connection to a jump host.

    Attributes:
        directory: directory of its socket.
        number: number of the connection, for a jump host with several.
    """

    directory: str
    number: int

    def socket(self, login: Iterable[str]) -> str:
        """Return the path of the socket for a login; the path of a socket must be short."""
        name = hashlib.sha256(repr((self.number, *login)).encode()).hexdigest()[:16]
        return f"{self.directory}/j-{name}"


def inventory(
    nodes: Iterable[Node],
    *,
    services: Mapping[str, Mapping[str, Any]] | None = None,
    containers: Mapping[str, Mapping[str, Any]] | None = None,
    networks: Mapping[str, Mapping[str, str]] | None = None,
    power: Mapping[str, Mapping[str, Any]] | None = None,
    ssh: SshConfig | None = None,
    catalogue: str | None = None,
    secret_path: Callable[[str], str] | None = None,
    control_dir: str | None = None,
    by: str | None = None,
) -> dict[str, Any]:
    """Return the inventory of ``nodes``, with one group for each service found on them.

    Args:
        nodes: the hosts.
        services: the user's services, in the form of a catalogue; for all hosts.
        containers: the known containers, each with ``engine`` and ``container``; for all hosts.
        networks: name of the node → network name → interface.
        power: name of the node → its machine, from the power driver that knows it.
        ssh: host keys and time-out; the defaults when None.
        catalogue: name of the cloud's services catalogue; None when it has none.
        secret_path: takes a password and returns the path of a file (mode 0600) with it; when None, passwords are left
            out.
        control_dir: directory for the sockets of shared connections to jump hosts; when None, each connection to a node
            has one of its own.
        by: the owner of the faults, ``user@controller``; the hosts find it out themselves when None.

    Example:
        >>> inventory([Node("node-1", "10.0.0.2")])["all"]["hosts"]["node-1"]["ansible_host"]
        '10.0.0.2'

    Raises:
        ConfigError: a value has ``{{``, ``{%`` or ``{#``, which Ansible would evaluate.
    """
    nodes = tuple(nodes)
    ssh = ssh or SshConfig()
    common: dict[str, Any] = {
        "os_faults_services": dict(services or {}),
        "os_faults_containers": dict(containers or {}),
        "os_faults_cloud": catalogue or "",
        **({"os_faults_by": by} if by else {}),
    }
    hosts: dict[str, dict[str, Any]] = {}
    for number, node in enumerate(nodes):
        shared = Shared(control_dir, number // _NODES_PER_CONNECTION) if control_dir else None
        variables = {
            **({"ansible_host": node.ip} if node.ip != node.fqdn else {}),
            **_login(node.auth),
            **(_ssh(node.auth, ssh, shared) if node.auth.connection == "ssh" else {}),
            "os_faults_networks": dict((networks or {}).get(node.fqdn, {})),
        }
        machine = _machine((power or {}).get(node.fqdn, {}), ssh)
        _refuse_templates({**variables, **machine}, node.fqdn)
        if machine:
            variables["os_faults_power"] = _looked_up(machine, secret_path)
        hosts[node.fqdn] = {**variables, **_secrets(node.auth, secret_path)}
    _refuse_templates(common, "all")
    tree: dict[str, Any] = {"all": {"vars": common, "hosts": hosts}}
    if groups := _groups(nodes):
        tree["all"]["children"] = groups
    return tree


def to_list_json(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return an inventory in the form of an inventory script's answer to ``--list``.

    Example:
        >>> to_list_json(inventory([Node("node-1", "10.0.0.2")]))["_meta"]["hostvars"]["node-1"]["ansible_host"]
        '10.0.0.2'
    """
    everything = tree["all"]
    groups = everything.get("children", {})
    return {
        "_meta": {"hostvars": dict(everything["hosts"])},
        "all": {"vars": everything["vars"], "hosts": list(everything["hosts"]), "children": list(groups)},
        **{name: {"hosts": list(group["hosts"])} for name, group in groups.items()},
    }


def group_of(service: str) -> str:
    """Return the name of a service's group.

    Example:
        >>> group_of("nova-api")
        'service_nova_api'
    """
    return "service_" + re.sub("[^A-Za-z0-9_]", "_", service)


def ssh_words(auth: Auth, ssh: SshConfig) -> list[str]:
    """Return the options of an ssh that another program starts; that program adds user and host.

    Args:
        auth: the login.
        ssh: host keys and time-out.

    Example:
        >>> ssh_words(Auth(private_key_file="/root/id"), SshConfig())[-2:]
        ['-i', '/root/id']
    """
    options = [*_host_keys(ssh), f"ConnectTimeout={ssh.connect_timeout}", "BatchMode=yes"]
    if auth.jump:
        options += [f"ProxyCommand={_proxy(auth.jump, auth, ssh)}"]
    return [*_dash_o(options), *(["-i", auth.private_key_file] if auth.private_key_file else [])]


def _groups(nodes: Iterable[Node]) -> dict[str, Any]:
    groups: dict[str, Any] = {}
    for node in nodes:
        for service in node.units:
            groups.setdefault(group_of(service), {"hosts": {}})["hosts"][node.fqdn] = {}
    return dict(sorted(groups.items()))


def _login(auth: Auth) -> dict[str, Any]:
    variables: dict[str, Any] = {
        "ansible_connection": auth.connection,
        "ansible_user": auth.username,
        "ansible_port": auth.port,
        "ansible_ssh_private_key_file": auth.private_key_file,
        "ansible_python_interpreter": auth.python,
    }
    if auth.become:
        variables |= {
            "ansible_become": True,
            "ansible_become_method": auth.become_method,
            "ansible_become_user": auth.become_username,
        }
    return {name: value for name, value in variables.items() if value is not None}


def _secrets(auth: Auth, secret_path: Callable[[str], str] | None) -> dict[str, str]:
    if secret_path is None:
        return {}
    secrets = {
        "ansible_password": auth.password,
        "ansible_become_password": auth.become_password if auth.become else None,
    }
    return {name: _look_up(secret_path(secret)) for name, secret in secrets.items() if secret is not None}


def _look_up(path: str) -> str:
    if re.search(r"""['"\\{}]""", path):
        raise ConfigError(f"the path {path!r} can't be used for passwords: it has quotes, braces or backslashes in it")
    return f"{{{{ lookup('ansible.builtin.file', '{path}', rstrip=false) }}}}"


def _machine(machine: Mapping[str, Any], ssh: SshConfig) -> dict[str, Any]:
    """Return the variables of a machine, with a login replaced by the options of ssh."""
    return {name: ssh_words(value, ssh) if isinstance(value, Auth) else value for name, value in machine.items()}


def _looked_up(machine: Mapping[str, Any], secret_path: Callable[[str], str] | None) -> dict[str, Any]:
    """Return the variables of a machine, with its passwords replaced by look-ups of files, or left out."""
    return {
        name: _look_up(secret_path(value)) if isinstance(value, Secret) and secret_path else value
        for name, value in machine.items()
        if secret_path or not isinstance(value, Secret)
    }


def _ssh(auth: Auth, ssh: SshConfig, shared: Shared | None) -> dict[str, Any]:
    options = _host_keys(ssh)
    if auth.jump:
        options += [f"ProxyCommand={_proxy(auth.jump, auth, ssh, shared)}"]
    return {
        "ansible_host_key_checking": ssh.host_key_policy != "off",
        "ansible_ssh_timeout": ssh.connect_timeout,
        "ansible_ssh_common_args": shlex.join([*_dash_o(options), *auth.ssh_args]),
    }


def _proxy(jump: Jump, auth: Auth, ssh: SshConfig, shared: Shared | None = None) -> str:
    """Return the proxy command through which ssh reaches a node; ssh replaces %h and %p by host and port.

    The user and the key of the node are those for a jump host without its own.
    """
    user, key = jump.username or auth.username, jump.private_key_file or auth.private_key_file
    # One second less than for the node: the error of the jump host comes first.
    seconds = max(1, ssh.connect_timeout - 1) if shared else ssh.connect_timeout
    words = [
        *_dash_o([*_host_keys(ssh), f"ConnectTimeout={seconds}", "BatchMode=yes"]),
        *(["-p", str(jump.port)] if jump.port else []),
        *(["-i", key] if key else []),
        *(["-l", user] if user else []),
        jump.host,
    ]
    begin = ["ssh", "-W"] if shared is None else ["sh", str(JUMP), shared.socket(words)]
    _refuse_percent([word for word in (*begin, *words) if "=" not in word])
    return f"{shlex.join(begin)} '[%h]:%p' {shlex.join(words)}"


def _host_keys(ssh: SshConfig) -> list[str]:
    known_hosts = "/dev/null" if ssh.host_key_policy == "off" else ssh.known_hosts
    if known_hosts is None:
        return [f"StrictHostKeyChecking={_HOST_KEY_CHECKING[ssh.host_key_policy]}"]
    _refuse_percent([known_hosts])
    return [f"StrictHostKeyChecking={_HOST_KEY_CHECKING[ssh.host_key_policy]}", f'UserKnownHostsFile="{known_hosts}"']


def _dash_o(options: Iterable[str]) -> list[str]:
    return [word for option in options for word in ("-o", option)]


def _refuse_percent(words: Iterable[str]) -> None:
    for word in words:
        if re.search(r'[%"\n]', word):
            raise ConfigError(f"{word!r} can't be given to ssh: it has '%', quotes or a line break in it")


def _refuse_templates(value: Any, where: str) -> None:
    """Refuse text that Ansible would evaluate on the controller; passwords are looked up, so they may be any text."""
    for sentence in marked(value, where, harmless=Secret):
        raise ConfigError(sentence)
