"""The common part of clouds whose nodes are asked one by one, over ssh."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from os_faults.config import LOGIN, auth_of, check
from os_faults.drivers import Directory
from os_faults.errors import CloudManagementError, ConfigError
from os_faults.model import HostResult, Interface, Node

ARGUMENTS: Mapping[str, Any] = {
    "address": {"$ref": "#/$defs/address"},
    "nodes": {
        "type": "array",
        "minItems": 1,
        "description": "a list of addresses, at least one",
        "items": {
            "description": "an address, or a mapping with the key address",
            "anyOf": [
                {"$ref": "#/$defs/address"},
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["address"],
                    "properties": {"address": {"$ref": "#/$defs/address"}, "auth": {"$ref": "#/$defs/auth"}, **LOGIN},
                },
            ],
        },
    },
    "iface": {"$ref": "#/$defs/interface"},
    "networks": {"$ref": "#/$defs/networks"},
    "auth": {"$ref": "#/$defs/auth"},
    **LOGIN,
}

_UNIT = re.compile(r"[^\s{}]+")


class SshCloud:
    """A cloud with every node named in the configuration; each node answers for itself.

    Args:
        args: see the subclass.
        where: path of the arguments, for messages.
        listed: the nodes of ``node_discover``; they replace the nodes that the arguments name.

    Raises:
        ConfigError: an argument is unknown, missing or wrong, or no node is named at all.
    """

    NAME: ClassVar[str]
    DESCRIPTION: ClassVar[str]
    SCHEMA: ClassVar[Mapping[str, Any]]
    discover_playbook: ClassVar[str] = "discover_devstack.yml"
    catalogue: ClassVar[str | None] = None
    root_by_default: ClassVar[bool] = False

    def __init__(self, args: Mapping[str, Any], where: str = "", listed: Iterable[Node] = ()) -> None:
        check(args, self.SCHEMA, where)
        self._args = args
        self._where = where
        named = list(listed) or self._make_seeds()  # in place of the nodes that the arguments name
        self._seeds = tuple({seed.ip: seed for seed in named}.values())
        if not self._seeds and self.directory() is None:
            raise ConfigError(f"{where} names no node: give it address or nodes, or add node_discover")

    @property
    def identity(self) -> tuple[str, ...]:
        """The identity of the cloud: the addresses of its seeds, or the address and arguments of its directory."""
        directory = self.directory()
        if directory is None:
            return tuple(seed.ip for seed in self._seeds)
        return (directory.node.ip, *map(str, directory.arguments.values()))

    def directory(self) -> Directory | None:
        """Return the directory that lists the seeds; None when the configuration names them."""
        return None

    def listed(self, result: HostResult) -> tuple[Node, ...]:
        """Return the seeds, from the answer of the directory."""
        raise NotImplementedError

    def left_out(self, result: HostResult) -> Mapping[str, str]:
        """Return the members that the directory can't describe: name → a sentence."""
        return {}

    def seeds(self) -> tuple[Node, ...]:
        """Return the seeds: ``address`` first, then ``nodes``, each address once."""
        return self._seeds

    def nodes(self, results: Mapping[str, HostResult], seeds: Iterable[Node] | None = None) -> tuple[Node, ...]:
        """Return the nodes, from the answers of the seeds.

        Args:
            results: name of the seed → result of the discovery playbook; a seed that failed or is
                missing is left out.
            seeds: the asked seeds; those of the configuration when None.

        Raises:
            CloudManagementError: an answer can't be used, or two seeds report the same name.
        """
        answered = [
            seed for seed in (self._seeds if seeds is None else seeds) if seed.fqdn in results and results[seed.fqdn].ok
        ]
        answers = {seed.fqdn: _answer(seed, results[seed.fqdn].payload) for seed in answered}
        nodes = {seed.fqdn: self._node(seed, answers[seed.fqdn]) for seed in answered}
        _refuse_twins(nodes, answers)
        return tuple(nodes.values())

    def networks(self, node: Node) -> Mapping[str, str]:
        """Return network name → interface for one node; the configuration wins over the defaults."""
        networks = self._default_networks(node)
        for name, interface in self._args.get("networks", {}).items():
            if isinstance(interface, str):
                networks[name] = interface
            elif node.fqdn in interface:
                networks[name] = interface[node.fqdn]
        return networks

    def _default_networks(self, node: Node) -> dict[str, str]:
        own = [interface.name for interface in node.interfaces if node.mac is not None and interface.mac == node.mac]
        carries = [interface.name for interface in node.interfaces if node.ip in interface.addresses]
        return {"management": [*own, *carries][-1]} if own or carries else {}

    def _make_seeds(self) -> Iterable[Node]:
        addresses = [self._args["address"]] if "address" in self._args else []
        for entry in [*addresses, *self._args.get("nodes", ())]:
            own = {"address": entry} if isinstance(entry, str) else entry
            auth = auth_of(self._args, own, root_by_default=self.root_by_default, where=self._where)
            yield Node(fqdn=seed_name(own["address"]), ip=own["address"], auth=auth)

    def _node(self, seed: Node, answer: Mapping[str, Any]) -> Node:
        reported = answer["node"]
        interfaces = tuple(
            Interface(item["name"], item.get("mac") or None, tuple(item.get("addresses", ())))
            for item in reported.get("interfaces", ())
        )
        return Node(
            fqdn=_name(seed, reported),
            ip=seed.ip,
            mac=seed.mac or _mac(seed, interfaces, self._args.get("iface"), reported.get("default_interface")),
            interfaces=interfaces,
            units={name: _units(seed, name, found) for name, found in answer.get("services", {}).items()},
            containers=tuple(answer.get("containers", {})),
            auth=seed.auth,
            libvirt_name=seed.libvirt_name,
            roles=seed.roles,
        )


def seed_name(address: str) -> str:
    """Return the inventory name of a host that is known by its address only.

    Example:
        >>> seed_name("10.0.0.2"), seed_name("fd00::2")
        ('10.0.0.2', 'ip6-fd00--2')
    """
    return "ip6-" + re.sub("[^0-9A-Za-z]", "-", address).rstrip("-") if ":" in address else address


def _name(seed: Node, reported: Mapping[str, Any]) -> str:
    """Return the host's name in the configuration, else the name that it reports."""
    if seed.fqdn != seed_name(seed.ip):
        return seed.fqdn
    return reported.get("fqdn") or reported.get("hostname") or seed.fqdn


def _answer(seed: Node, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(payload.get("node"), Mapping):
        raise CloudManagementError(f"{seed.ip} did not say what node it is; was the discovery playbook changed?")
    return payload


def _units(seed: Node, service: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    for unit in found.get("units", ()):
        if not _UNIT.fullmatch(unit):
            raise CloudManagementError(f"refused the unit {unit!r} of {service} that {seed.ip} reported")
    return tuple(found.get("units", ()))


def _mac(seed: Node, interfaces: Iterable[Interface], wanted: str | None, default: str | None) -> str | None:
    """Return the MAC of the named interface, else of the one with the seed's address, else of the default one."""
    by_name = {interface.name: interface for interface in interfaces}
    if wanted is not None:
        if wanted not in by_name:
            raise CloudManagementError(f"{seed.ip} has no interface {wanted!r} (iface); it has: {', '.join(by_name)}")
        return by_name[wanted].mac
    for interface in by_name.values():
        if seed.ip in interface.addresses:
            return interface.mac
    return by_name[default].mac if default in by_name else None


def _refuse_twins(nodes: Mapping[str, Node], answers: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse two seeds with one name: they would be one host in the inventory."""
    first: dict[str, str] = {}
    for seed, node in nodes.items():
        other = first.setdefault(node.fqdn, seed)
        if other == seed:
            continue
        boots = {answers[name]["node"].get("boot_id") for name in (seed, other)}
        same = len(boots) == 1 and None not in boots
        why = "they are the same host: list it once" if same else "give each host a name of its own"
        raise CloudManagementError(f"{nodes[other].ip} and {node.ip} both call themselves {node.fqdn}; {why}")
