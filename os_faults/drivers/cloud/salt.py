"""Clouds installed by Salt: the master knows the nodes."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, ClassVar

from os_faults.config import LOGIN, auth_of
from os_faults.drivers.cloud.master import FLAG, MASTER_ARGUMENTS, MasterCloud
from os_faults.errors import CloudManagementError
from os_faults.model import Auth, HostResult, Node

_NODES = "^(?!(cfg|mon))"
_ASK_FOR_IPS = "pillar.get _param:single_address"
_WORDS = {
    "type": "string",
    "minLength": 1,
    "pattern": r"^[^{}\x00-\x1f\x7f]*$",
    "description": "a function of Salt and its arguments in one line, without braces",
}
_REGEXP = {
    "type": "string",
    "minLength": 1,
    "pattern": r"^((?!\{[{%#]).)*$",
    "description": "a regular expression, without what Ansible would evaluate",
}


class SaltCloud(MasterCloud):
    """A cloud with a Salt master that knows the nodes.

    .. code-block:: yaml

        cloud_management:
          driver: saltcloud
          address: cfg01.local              # the Salt master
          auth: {username: root, private_key_file: ~/.ssh/master}
          slave_auth: {username: root, private_key_file: ~/.ssh/nodes}
          slave_name_regexp: ^(cmp|ctl)     # which minions; all but cfg… and mon… when left out

    The master is asked for the addresses and interfaces of its minions (``salt -E``). The login to the minions goes
    through the master, or directly with ``slave_direct_ssh: true``. ``get_ips_cmd`` is the function that returns the
    address of a minion (``pillar.get _param:single_address`` when left out). Keys that are missing in ``slave_auth``
    come from the login of the master.
    """

    NAME: ClassVar[str] = "saltcloud"
    DESCRIPTION: ClassVar[str] = "A cloud installed by Salt"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["address"],
        "properties": {
            **MASTER_ARGUMENTS,
            "slave_auth": {"$ref": "#/$defs/auth"},
            "slave_name_regexp": _REGEXP,
            "get_ips_cmd": _WORDS,
        },
    }
    catalogue: ClassVar[str | None] = "salt"
    master: ClassVar[str] = "salt-master"
    list_playbook: ClassVar[str] = "list_salt.yml"

    def _question(self) -> Mapping[str, Any]:
        return {
            "minions": self._args.get("slave_name_regexp", _NODES),
            "addresses_by": self._args.get("get_ips_cmd", _ASK_FOR_IPS),
        }

    def listed(self, result: HostResult) -> tuple[Node, ...]:
        """Return the nodes, from the reports of the minions to the master; a node has the name of its minion.

        Raises:
            CloudManagementError: no minion reported an address that can be used, or none of the interfaces of one has
                the address that it reported.
        """
        nodes, flaws = self._read(result)
        if not nodes:
            raise CloudManagementError(
                next(iter(flaws.values()), "the Salt master knows no minion that matches slave_name_regexp")
            )
        return nodes

    def left_out(self, result: HostResult) -> Mapping[str, str]:
        """Return the minions that did not report an address that can be used: name → a sentence."""
        return self._read(result)[1]

    def _read(self, result: HostResult) -> tuple[tuple[Node, ...], dict[str, str]]:
        """Return the nodes, and the minions that are none: name → a sentence."""
        interfaces, addresses, silent = (result.payload.get(key, {}) for key in ("interfaces", "addresses", "silent"))
        auth = self._node_login()
        nodes: list[Node] = []
        flaws = {name: f"{name} did not answer the Salt master: {why}" for name, why in silent.items()}
        for name in sorted(interfaces):
            try:
                ip = _address(name, addresses)
            except CloudManagementError as error:
                flaws[name] = str(error)
                continue
            nodes.append(Node(name, ip, _mac(name, ip, interfaces[name]), auth=auth))
        return tuple(nodes), flaws

    def _levels(self) -> list[Mapping[str, Any]]:
        """Return the levels of the nodes' login: that of the master, then their own keys."""
        return [self._args, {"auth": self._args.get("slave_auth", {})}]


class TcpCloud(SaltCloud):
    """A cloud with a Salt master, in the form of older configurations; new ones use ``saltcloud``.

    .. code-block:: yaml

        cloud_management:
          driver: tcpcloud
          address: cfg01.local
          username: root
          private_key_file: ~/.ssh/master
          slave_username: ubuntu
          slave_password: {env: BMC_PASSWORD}
          slave_sudo: true

    ``master_sudo`` and ``slave_sudo`` decide whether the user becomes root on the master and on the nodes.
    """

    NAME: ClassVar[str] = "tcpcloud"
    DESCRIPTION: ClassVar[str] = "Older name of saltcloud"
    OLDER_NAME_OF: ClassVar[str] = "saltcloud"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        **SaltCloud.SCHEMA,
        "properties": {
            **{key: value for key, value in SaltCloud.SCHEMA["properties"].items() if key != "slave_auth"},
            "slave_username": LOGIN["username"],
            "slave_password": LOGIN["password"],
            "master_sudo": FLAG,
            "slave_sudo": FLAG,
        },
    }

    def _master_login(self) -> Auth:
        become = {"become": self._args["master_sudo"]} if "master_sudo" in self._args else {}
        return auth_of(self._args, become, root_by_default=self.root_by_default, where=self._where)

    def _levels(self) -> list[Mapping[str, Any]]:
        words = {"slave_username": "username", "slave_password": "password", "slave_sudo": "become"}
        return [self._args, {word: self._args[key] for key, word in words.items() if key in self._args}]


def _address(minion: str, addresses: Mapping[str, Any]) -> str:
    """Return the address that a minion reported."""
    reported = addresses.get(minion)
    reported = reported[0] if isinstance(reported, list) and reported else reported
    try:
        return str(ip_address(str(reported)))
    except ValueError:
        raise CloudManagementError(
            f"{minion} reported no address to the Salt master but {reported!r} (get_ips_cmd)"
        ) from None


def _mac(minion: str, ip: str, interfaces: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return the MAC address of the interface that has the address."""
    for about in interfaces.values():
        own = [*about.get("inet", ()), *about.get("inet6", ()), *about.get("secondary", ())]
        if ip in [entry.get("address") for entry in own]:
            return about.get("hwaddr")
    raise CloudManagementError(f"no interface of {minion} has its address {ip}")
