"""Kolla: OpenStack in containers, as kolla-ansible lays it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from os_faults.config import auth_of
from os_faults.drivers import Directory
from os_faults.drivers.cloud.ssh import ARGUMENTS, SshCloud
from os_faults.errors import CloudManagementError
from os_faults.model import Auth, HostResult, Node

_HOSTS = "baremetal"
_NOT_A_NODE = frozenset({"all", "ungrouped", "deployment"})
_CONTROLLER = Node("controller", "127.0.0.1", auth=Auth(connection="local"))
_LOGIN = ("username", "port", "private_key_file", "connection", "become")


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
    Passwords in the inventory are not used: give them here, best by ``{env: NAME}``. A user other than root becomes
    root; ``become: false`` forbids it.

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
            **{key: value for key, value in ARGUMENTS.items() if key not in ("address", "nodes")},
        },
    }
    catalogue: ClassVar[str | None] = "kolla"
    root_by_default: ClassVar[bool] = True

    def directory(self) -> Directory | None:
        """Return the controller, which reads the inventory; None when ``node_discover`` names the nodes."""
        return (
            None if self._seeds else Directory(_CONTROLLER, "list_inventory.yml", {"inventory_path": self._inventory})
        )

    def listed(self, result: HostResult) -> tuple[Node, ...]:
        """Return the nodes of the inventory, as Ansible has read it.

        Raises:
            CloudManagementError: there is no node, or one has a name that is not plain.
        """
        hosts: Iterable[Mapping[str, Any]] = result.payload.get("hosts", ())
        nodes = [host for host in hosts if _HOSTS in host["groups"]]
        nodes = nodes or [host for host in hosts if set(host["groups"]) - _NOT_A_NODE]
        if not nodes:
            raise CloudManagementError(f"the inventory {self._inventory} has no host of the cloud (group {_HOSTS})")
        return tuple(self._seed(host) for host in nodes)

    @property
    def _inventory(self) -> str:
        return str(self._args["inventory"])

    def _seed(self, host: Mapping[str, Any]) -> Node:
        own = {key: host[key] for key in _LOGIN if key in host}
        auth = auth_of(self._args, own, root_by_default=self.root_by_default, where=self._where)
        return Node(fqdn=host["name"], ip=host["address"], auth=auth)
