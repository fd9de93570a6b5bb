"""Services that systemd runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from os_faults.config import check
from os_faults.drivers.service.ports import PORTS, ports_of

UNIT: Mapping[str, Any] = {
    "type": "string",
    "pattern": r"^[A-Za-z0-9:_.*?@\[\]\\-]+$",
    "description": "the name of a systemd unit; shell patterns are allowed",
}
"""Schema of the name of a unit."""
UNITS: Mapping[str, Any] = {
    "type": "array",
    "minItems": 1,
    "items": UNIT,
    "description": "a list of units, at least one",
}
"""Schema of a list of units."""


class SystemdService:
    """A service that is one systemd unit, or several that belong together.

    .. code-block:: yaml

        services:
          app:
            driver: systemd
            service_name: app.service                  # one name, or
            # units: [devstack@app-*, app.service]     # the first pattern that the host knows
            port: 8080

    ``.service`` may be left out. ``aliases`` are other names of the service. If the service listens only on a unix
    socket, ``behind`` is the name of the service that takes its requests.
    """

    NAME: ClassVar[str] = "systemd"
    DESCRIPTION: ClassVar[str] = "A service that systemd runs"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "description": "a mapping with service_name or units, and not both",
        "properties": {
            "service_name": UNIT,
            "units": UNITS,
            "behind": {"$ref": "#/$defs/name"},
            "aliases": {"type": "array", "items": {"$ref": "#/$defs/name"}, "description": "a list of names"},
            **PORTS,
        },
        "oneOf": [{"required": ["service_name"]}, {"required": ["units"]}],
    }

    def __init__(self, args: Mapping[str, Any], where: str = "") -> None:
        check(args, self.SCHEMA, where)
        self._args = args

    def entry(self) -> dict[str, Any]:
        """Return the service in the form of a catalogue.

        Example:
            >>> SystemdService({"service_name": "app", "port": 8080}).entry()
            {'driver': 'systemd', 'units': ['app'], 'ports': [['tcp', 8080]]}
        """
        units = self._args.get("units") or [self._args["service_name"]]
        more = {key: self._args[key] for key in ("behind", "aliases") if key in self._args}
        return {"driver": self.NAME, "units": list(units), "ports": ports_of(self._args), **more}
