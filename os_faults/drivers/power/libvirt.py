"""Virtual machines under libvirt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from os_faults.config import LOGIN, auth_of, check


class LibvirtPower:
    """Nodes that are virtual machines; libvirt runs on the host at ``address``.

    .. code-block:: yaml

        power_management:
          driver: libvirt
          address: kvm.local
          username: root

    In place of the address a connection URI: ``connection_uri: qemu+unix:///system``.
    The configuration is checked; the power verbs themselves are not there yet.

    Attributes:
        connection_uri: how libvirt is reached.
        auth: how to log in to the host at ``address``.
    """

    NAME: ClassVar[str] = "libvirt"
    DESCRIPTION: ClassVar[str] = "Virtual machines under libvirt"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "description": "a mapping with address or connection_uri, and not both",
        "properties": {
            "address": {"$ref": "#/$defs/address"},
            "connection_uri": {
                "type": "string",
                "pattern": r"^[a-z0-9]+(\+[a-z0-9]+)?://[^\s{}]*$",
                "description": "a libvirt URI such as 'qemu+ssh://root@kvm.local/system'",
            },
            "auth": {"$ref": "#/$defs/auth"},
            **LOGIN,
        },
        "oneOf": [{"required": ["address"]}, {"required": ["connection_uri"]}],
    }

    def __init__(self, args: Mapping[str, Any], where: str = "") -> None:
        check(args, self.SCHEMA, where)
        self.auth = auth_of(args, where=where)
        self.connection_uri: str = args.get("connection_uri") or self._uri(args["address"])

    def _uri(self, address: str) -> str:
        user = f"{self.auth.username}@" if self.auth.username else ""
        host = f"[{address}]" if ":" in address else address
        port = f":{self.auth.port}" if self.auth.port else ""
        return f"qemu+ssh://{user}{host}{port}/system"
