"""Nodes, and how to log in to them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from os_faults.errors import CloudManagementError

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


#: What Linux allows, but for braces, quotes, blanks and what a program could take for an option.
_INTERFACE = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@~+#:=!-]{0,31}")


_GROUPS = frozenset({"all", "ungrouped"})


def plain_name(value: str, what: str = "name") -> str:
    """Return ``value`` when it is a plain host name, else refuse it.

    Ansible treats inventory values as templates, so a host that reports a name with ``{{`` in it
    could run code on the controller.

    Raises:
        CloudManagementError: the value is not a plain name.
    """
    if not _NAME.fullmatch(value):
        raise CloudManagementError(
            f"refused the {what} {value!r} that a host reported: only letters, digits, '.', '-' and '_' are allowed"
        )
    return value


def host_name(value: str) -> str:
    """Return ``value`` when it can be the name of a node, else refuse it.

    Raises:
        CloudManagementError: it is no plain name, or that of a group in our inventories: Ansible would take the node
            for all of them, or all of them for the node.
    """
    if value.lower() in _GROUPS or value.lower().startswith("service_"):
        raise CloudManagementError(f"refused the host name {value!r}: it is the name of a group of hosts")
    return plain_name(value, "host name")


def plain_interface(value: str) -> str:
    """Return ``value`` when it is a plain interface name, else raise `CloudManagementError`."""
    if not _INTERFACE.fullmatch(value):
        raise CloudManagementError(f"refused the interface name {value!r} that a host reported")
    return value


def plain_mac(value: str) -> str:
    """Return a MAC address in lower case, or raise `CloudManagementError`."""
    mac = value.lower()
    if not _MAC.fullmatch(mac):
        raise CloudManagementError(f"refused the MAC address {value!r} that a host reported")
    return mac


@dataclass(frozen=True)
class Jump:
    """The jump host through which a node is reached.

    Attributes:
        host: name or address.
        username: who logs in there; the node's user when None.
        private_key_file: path of the key; ssh's own choice when None.
        port: TCP port of its sshd; 22 when None.
    """

    host: str
    username: str | None = None
    private_key_file: str | None = None
    port: int | None = None


@dataclass(frozen=True)
class Auth:
    """How to log in to a node and how to become root there.

    Attributes:
        username: the ssh user; the present user when None.
        password: the ssh password (needs ``sshpass``); never shown in ``repr``.
        private_key_file: path of the private key; agent and ssh defaults when None.
        port: TCP port of sshd; 22 when None.
        connection: Ansible's connection plugin, ``ssh`` or ``local``.
        python: path of the Python interpreter on the node.
        become: whether verbs become another user (root by default).
        become_method: Ansible's become plugin.
        become_username: whom to become.
        become_password: the password that become asks for; never shown in ``repr``.
        jump: the host to go through.
    """

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    private_key_file: str | None = None
    port: int | None = None
    connection: str = "ssh"
    python: str = "/usr/bin/python3"
    become: bool = False
    become_method: str = "sudo"
    become_username: str = "root"
    become_password: str | None = field(default=None, repr=False)
    jump: Jump | None = None


@dataclass(frozen=True)
class Interface:
    """A network interface as a node reported it."""

    name: str
    mac: str | None = None
    addresses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        plain_interface(self.name)
        if self.mac is not None:
            object.__setattr__(self, "mac", plain_mac(self.mac))
        for address in self.addresses:
            _plain_address(address)


@dataclass(frozen=True)
class Node:
    """A host of the cloud. Nodes are equal when name, address and MAC are.

    Attributes:
        fqdn: its full name; also its name in the inventory.
        ip: the address (or resolvable name) that ssh connects to.
        mac: MAC address of the interface that has ``ip``, in lower case.
        interfaces: all interfaces the node reported.
        units: service name → systemd units (or other handles) found on the node.
        containers: the containers found on the node, by the names that the configuration gives them.
        auth: how to log in.
        libvirt_name: name of its domain under libvirt, where the configuration tells it.
        roles: what it is in the cloud (``controller``, ``compute``), where the cloud tells it.
        last_seen: when it last answered, ISO 8601; None when it answered in this session.

    Raises:
        CloudManagementError: a field is not plain (see `plain_name`).
    """

    fqdn: str
    ip: str
    mac: str | None = None
    interfaces: tuple[Interface, ...] = field(default=(), compare=False, repr=False)
    units: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)
    containers: tuple[str, ...] = field(default=(), compare=False, repr=False)
    auth: Auth = field(default=Auth(), compare=False, repr=False)
    libvirt_name: str | None = field(default=None, compare=False, repr=False)
    roles: tuple[str, ...] = field(default=(), compare=False, repr=False)
    last_seen: str | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        host_name(self.fqdn)
        _plain_address(self.ip)
        if self.mac is not None:
            object.__setattr__(self, "mac", plain_mac(self.mac))

    @property
    def addresses(self) -> list[str]:
        """Every address by which others reach it: the one that ssh connects to, and those of its interfaces."""
        reported = (address for interface in self.interfaces for address in interface.addresses)
        return list(dict.fromkeys([self.ip, *(address for address in reported if not _is_loopback(address))]))


def _is_loopback(address: str) -> bool:
    return ip_address(address.partition("%")[0]).is_loopback


def _plain_address(value: str) -> str:
    address, _, scope = value.partition("%")
    try:
        ip_address(address)
    except ValueError:
        plain_name(value, "address")
    if scope:
        plain_interface(scope)
    return value
