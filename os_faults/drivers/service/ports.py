"""The ports of a service, in all forms of a configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_WORDS = "a port number, or a list of protocol (tcp or udp) and number"
_PORT: Mapping[str, Any] = {
    "description": _WORDS,
    "anyOf": [
        {"$ref": "#/$defs/tcp_port"},
        {
            "type": "array",
            "prefixItems": [
                {"enum": ["tcp", "udp"]},
                {"$ref": "#/$defs/tcp_port"},
                {"enum": ["ingress", "egress"]},  # the default direction of `unplug`; both when left out
            ],
            "minItems": 2,
            "maxItems": 3,
            "description": _WORDS,
        },
    ],
}

PORTS: Mapping[str, Any] = {
    "port": _PORT,
    "ports": {"type": "array", "minItems": 1, "items": _PORT, "description": "a list of ports, at least one"},
}
"""Schema of the keys ``port`` and ``ports``, for the ``properties`` of a service driver."""


def ports_of(args: Mapping[str, Any]) -> list[list[Any]]:
    """Return the ports in the form of a catalogue.

    Example:
        >>> ports_of({"port": 5000, "ports": [["udp", 53]]})
        [['tcp', 5000], ['udp', 53]]
    """
    given: Iterable[Any] = [*([args["port"]] if "port" in args else []), *args.get("ports", ())]
    return [["tcp", port] if isinstance(port, int) else list(port) for port in given]
