"""A configuration with the discovered nodes and services: ``os_faults.discover()``. ``connect()`` takes its result."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from os_faults import registry, resources
from os_faults.ansible.protocol import Runner
from os_faults.cloud import Cloud
from os_faults.component import Component
from os_faults.config import Config, auth_of, load, portable
from os_faults.config.auth import keys_of
from os_faults.model import Auth, Node


def discover(
    cloud_config: Mapping[str, Any] | None = None,
    config_filename: str | os.PathLike[str] | None = None,
    cloud: str | None = None,
    *,
    runner: Runner | None = None,
) -> dict[str, Any]:
    """Discover the nodes of a configuration, and return a configuration with the findings.

    It lists all nodes with names, addresses and MAC addresses under ``node_discover``, and all services under
    ``services``. Services and containers that a node has get their ``hosts``. The rest is unchanged; paths are
    absolute.

    Args:
        cloud_config: the configuration; it is not changed.
        config_filename: see `os_faults.connect`.
        cloud: see `os_faults.connect`.
        runner: see `os_faults.connect`.

    Raises:
        ConfigError: there is no configuration, or it is wrong.
        AnsibleExecutionUnreachable, PartlyDone: a node did not answer. It is never left out silently.

    Example:
        >>> found = os_faults.discover({"cloud_management": {"driver": "devstack", "address": "devstack.local"}})
        >>> found["services"]["keystone"]["hosts"]
        ['devstack.local']
    """
    config = load(cloud_config, config_filename, cloud)
    with Cloud(config, runner=runner) as connected:
        return described(connected, config, portable(cloud_config, config_filename, cloud))


def described(cloud: Cloud, config: Config, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with the nodes and services of a cloud.

    Args:
        cloud: the cloud of the configuration.
        config: the configuration.
        data: the same configuration, as `os_faults.config.portable` returns it.
    """
    usual = auth_of(
        config.cloud.args, root_by_default=getattr(registry.get("cloud", config.cloud.driver), "root_by_default", False)
    )
    nodes = list(cloud.get_nodes())
    containers = {
        name: _component(entry, cloud.get_container(name)) for name, entry in data.get("containers", {}).items()
    }
    return {
        **data,
        "node_discover": {"driver": "node_list", "args": [_node(node, usual, data) for node in nodes]},
        "services": {name: _service(cloud, config, name, data) for name in cloud.list_services()},
        **({"containers": containers} if containers else {}),
    }


def _node(node: Node, usual: Auth, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a node as an entry of ``node_list``, with the login keys that differ from the usual login."""
    own = [field.name for field in fields(Auth) if getattr(node.auth, field.name) != getattr(usual, field.name)]
    about = {key: getattr(node, key) for key in ("ip", "fqdn", "mac", "libvirt_name")} | keys_of(
        node.auth, own, _configured(node.ip, data)
    )
    return {key: value for key, value in about.items() if value is not None}


def _configured(address: str, tree: Any) -> Mapping[str, Any]:
    """Return the node's entry in the configuration, if it has one; its passwords may be references."""
    if isinstance(tree, Mapping):
        if address in (tree.get("ip"), tree.get("address")) and "driver" not in tree:
            return {**tree, **(tree.get("auth") or {})}
        tree = list(tree.values())
    found = (_configured(address, each) for each in tree) if isinstance(tree, list) else iter(())
    return next((each for each in found if each), {})


def _service(cloud: Cloud, config: Config, name: str, data: Mapping[str, Any]) -> dict[str, Any]:
    if name in config.services:
        return _component(data["services"][name], cloud.get_service(name))
    definition = dict(resources.catalogue(registry.get("cloud", config.cloud.driver).catalogue)[name])
    return {"driver": definition.pop("driver"), "args": definition, **_hosts(cloud.get_service(name))}


def _component(entry: Mapping[str, Any], component: Component) -> dict[str, Any]:
    """Return a configured service or container in the nested form, with its hosts."""
    args = entry.get("args", {key: value for key, value in entry.items() if key not in ("driver", "hosts")})
    return {"driver": entry["driver"], "args": args, **_hosts(component)}


def _hosts(component: Component) -> dict[str, Any]:
    hosts = component.get_nodes().get_ips()
    return {"hosts": hosts} if hosts else {}
