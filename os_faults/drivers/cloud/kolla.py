"""Kolla: OpenStack in containers, as kolla-ansible lays it out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from os_faults.config import auth_of, check
from os_faults.config.schema import AUTH
from os_faults.drivers import Directory
from os_faults.drivers.cloud.ssh import ARGUMENTS, SshCloud
from os_faults.drivers.cloud.ssh_args import login_of
from os_faults.errors import CloudManagementError, ConfigError
from os_faults.model import Auth, HostResult, Node

_HOSTS = "baremetal"
_NOT_A_NODE = frozenset({"all", "ungrouped", "deployment"})
_CONTROLLER = Node("controller", "127.0.0.1", auth=Auth(connection="local"))
_LOGIN = (
    *("username", "port", "private_key_file", "connection"),
    *("become", "become_method", "become_username", "python_interpreter"),
)
#: Ansible's words for the connections that are ours.
_CONNECTIONS = {"smart": "ssh", "ansible.builtin.ssh": "ssh", "paramiko": "ssh", "ansible.builtin.local": "local"}
#: The variables with passwords, and the key that replaces each.
_PASSWORDS = {
    **dict.fromkeys(("ansible_password", "ansible_ssh_pass", "ansible_ssh_password"), "password"),
    **dict.fromkeys(("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"), "become_password"),
}

LOG = logging.getLogger(__name__)


class KollaCloud(SshCloud):
    """A cloud installed by kolla-ansible; the nodes are those of its inventory.

    .. code-block:: yaml

        cloud_management:
          driver: kolla
          inventory: /etc/kolla/multinode
          username: kolla                   # the variables of a host in the inventory count more
          private_key_file: ~/.ssh/kolla

    Ansible itself reads the inventory on the controller: a file in any of its formats, or a directory. The nodes are
    the hosts of its group ``baremetal``. Without that group they are all hosts, except those only in ``deployment``.
    Passwords in the inventory are not used: give them here, best by ``{env: NAME}``. What else of a login is not used
    is named in a warning, and a variable that can't be used is refused. ``vault_password_file`` is the file with the
    password of Ansible's vault. A user other than root becomes root; ``become: false`` forbids it.

    Services run in containers of docker or podman, each under a systemd unit (``kolla-nova_api-container.service``).
    The unit is stopped and started in place of the container. ``get_container("nova_api")`` works for the containers of
    all services.
    Networks: see ``universal``.
    """

    NAME: ClassVar[str] = "kolla"
    DESCRIPTION: ClassVar[str] = "OpenStack in containers, by kolla-ansible"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["inventory"],
        "properties": {
            "inventory": {"$ref": "#/$defs/path"},
            "vault_password_file": {"$ref": "#/$defs/path"},
            **{key: value for key, value in ARGUMENTS.items() if key not in ("address", "nodes")},
        },
    }
    catalogue: ClassVar[str | None] = "kolla"
    root_by_default: ClassVar[bool] = True

    def directory(self) -> Directory | None:
        """Return the controller, which reads the inventory; None when ``node_discover`` names the nodes."""
        if self._seeds:
            return None
        vault = {key: self._args[key] for key in ("vault_password_file",) if key in self._args}
        return Directory(_CONTROLLER, "list_inventory.yml", {"inventory_path": self._inventory, **vault})

    def listed(self, result: HostResult) -> tuple[Node, ...]:
        """Return the nodes of the inventory, as Ansible has read it.

        Raises:
            CloudManagementError: there is no node, one has a name that is not plain, or a variable of a login can't be
                used.
        """
        hosts: Iterable[Mapping[str, Any]] = result.payload.get("hosts", ())
        nodes = [host for host in hosts if _HOSTS in host["groups"]]
        nodes = nodes or [host for host in hosts if set(host["groups"]) - _NOT_A_NODE]
        if not nodes:
            raise CloudManagementError(f"the inventory {self._inventory} has no host of the cloud (group {_HOSTS})")
        logins = {host["name"]: self._login(host) for host in nodes}
        self._warn({host["name"]: [*host.get("unused", ()), *logins[host["name"]][1]] for host in nodes})
        return tuple(Node(host["name"], host["address"], auth=logins[host["name"]][0]) for host in nodes)

    @property
    def _inventory(self) -> str:
        return str(self._args["inventory"])

    def _login(self, host: Mapping[str, Any]) -> tuple[Auth, list[str]]:
        """Return the login to a host, and the options of ssh that are not used.

        Raises:
            CloudManagementError: a variable can't be used; the message names it and the host.
        """
        where = f"the inventory {self._inventory}: {host['name']}"
        try:
            if flaws := host.get("unusable"):
                raise ConfigError("; ".join(flaws))
            further, unused = login_of(host.get("ssh_args", ""))
            own = {**further, **{key: host[key] for key in _LOGIN if key in host}}
            if "connection" in own:
                own["connection"] = _CONNECTIONS.get(own["connection"], own["connection"])
            if own.get("python_interpreter", "").startswith("auto"):
                del own["python_interpreter"]
            check(own, AUTH)
        except (ConfigError, ValueError) as error:
            raise CloudManagementError(f"{where}: {error}") from None
        # For Ansible, the way to become a user does not mean that one becomes it.
        ways = {key: own.pop(key) for key in ("become_method", "become_username") if key in own}
        auth = auth_of(self._args, own, root_by_default=self.root_by_default, where=self._where)
        return replace(auth, **ways), unused

    def _warn(self, unused: Mapping[str, Iterable[str]]) -> None:
        """Name what is not used of the logins of the inventory."""
        given = {key for level in (self._args, self._args.get("auth", {})) for key in level}
        hosts: dict[str, list[str]] = {}
        for host, names in unused.items():
            for name in names:
                if _PASSWORDS.get(name) not in given:
                    hosts.setdefault(name, []).append(host)
        for name, those in hosts.items():
            hint = f"; give {_PASSWORDS[name]} in the configuration" if name in _PASSWORDS else ""
            LOG.warning("%s of %s in the inventory is not used%s", name, ", ".join(those), hint)
