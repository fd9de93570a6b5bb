"""DevStack: all of OpenStack from source, on one host or a few."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from os_faults.drivers.cloud.ssh import ARGUMENTS, SshCloud
from os_faults.model import Node

_PUBLIC_BRIDGE = "br-ex"


class DevStackCloud(SshCloud):
    """A DevStack of one host or several; the services are found by their systemd units.

    .. code-block:: yaml

        cloud_management:
          driver: devstack
          address: devstack.local           # the first host
          username: stack
          private_key_file: ~/.ssh/devstack
          nodes: [10.0.0.3, {address: 10.0.0.4, port: 2222}]     # more hosts, if any
          networks: {storage: eth2}         # names for `disconnect`; management and public are found

    A user other than root becomes root by sudo, as DevStack sets it up; ``become: false`` forbids it.
    Networks: ``management`` is the interface that carries the host's address, ``public`` is ``br-ex``.
    """

    NAME: ClassVar[str] = "devstack"
    DESCRIPTION: ClassVar[str] = "DevStack on one host or several"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["address"],
        "properties": ARGUMENTS,
    }
    catalogue: ClassVar[str | None] = "devstack"
    root_by_default: ClassVar[bool] = True

    def _default_networks(self, node: Node) -> dict[str, str]:
        public = {interface.name for interface in node.interfaces} & {_PUBLIC_BRIDGE}
        return {**super()._default_networks(node), **dict.fromkeys(["public"] if public else [], _PUBLIC_BRIDGE)}
