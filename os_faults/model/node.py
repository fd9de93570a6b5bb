"""Nodes and their logins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from os_faults.errors import CloudManagementError

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


#: The names that Linux allows, without braces, quotes, blanks, and names that look like an option of a program.
_INTERFACE = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@~+#:=!-]{0,31}")


_GROUPS = frozenset({"all", "ungrouped"})


def plain_name(value: str, what: str = "name") -> str:
    """Return ``value`` if it is a plain host name, else refuse it.

    Ansible treats inventory values as templates. A host that reports a name with ``{{`` could run code on the
    controller.

    Raises:
        CloudManagementError: the value is not a plain name.
    """
    if not _NAME.fullmatch(value):
        raise CloudManagementError(
            f"refused the {what} {value!r} that a host reported: only letters, digits, '.', '-' and '_' are allowed"
        )
    return value


def host_name(value: str) -> str:
    """Return ``value`` if it can be the name of a node, else refuse it.

    Raises:
        CloudManagementError: it is not a plain name, or it is the name of a group in our inventories. Ansible would
            confuse the node with the group.
    """
    if value.lower() in _GROUPS or value.lower().startswith("service_"):
        raise CloudManagementError(f"refused the host name {value!r}: it is the name of a group of hosts")
    return plain_name(value, "host name")


def plain_interface(value: str) -> str:
    """Return ``value`` if it is a plain interface name, else raise `CloudManagementError`."""
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
        username: the ssh user there; the node's user when None.
        private_key_file: path of the key; ssh's own choice when None.
        port: TCP port of its sshd; 22 when None.
    """

    host: str
    username: str | None = None
    private_key_file: str | None = None
    port: int | None = None


@dataclass(frozen=True)
class Auth:
    """The login to a node, and the way to become root there.

    Attributes:
        username: the ssh user; the current user when None.
        password: the ssh password (needs ``sshpass``); never shown in ``repr``.
        private_key_file: path of the private key; agent and ssh defaults when None.
        port: TCP port of sshd; 22 when None.
        connection: Ansible's connection plugin, ``ssh`` or ``local``.
        python: path of the Python interpreter on the node.
        become: whether verbs become another user (root by default).
        become_method: Ansible's become plugin.
        become_username: the user to become.
        become_password: the password for become; never shown in ``repr``.
        jump: the jump host, if any.
        ssh_args: further arguments of ssh.
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
    ssh_args: tuple[str, ...] = ()


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
    """A host of the cloud. Two nodes are equal if name, address and MAC are equal.

    Attributes:
        fqdn: its full name; also its name in the inventory.
        ip: the address (or resolvable name) that ssh connects to.
        mac: MAC address of the interface that has ``ip``, in lower case.
        interfaces: all interfaces the node reported.
        units: service name → systemd units (or other handles) found on the node.
        containers: the containers found on the node, by their names in the configuration.
        auth: its login.
        libvirt_name: name of its domain under libvirt, if the configuration has it.
        roles: its roles in the cloud (``controller``, ``compute``), if the cloud reports them.
        last_seen: time of its last answer, ISO 8601; None when it answered in this session.

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
        """Every address at which other hosts reach it: the address for ssh, and those of its interfaces."""
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
