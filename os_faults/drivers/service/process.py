"""Services that are a plain process with a pid file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from os_faults.config import check
from os_faults.drivers.service.ports import PORTS, ports_of


class ProcessService:
    """A process that writes its number into a file; no service manager is needed, nor root.

    .. code-block:: yaml

        services:
          web:
            driver: process
            pidfile: /tmp/web.pid
            start: [python3, -m, http.server, "8080"]
            port: 8080

    ``start`` is the command and its words; no shell reads it. Without it the service can't be
    started again by ``start``, ``restart`` or ``heal``.
    """

    NAME: ClassVar[str] = "process"
    DESCRIPTION: ClassVar[str] = "A process with a pid file"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["pidfile"],
        "properties": {
            "pidfile": {"type": "string", "pattern": r"^/[^\s{}]+$", "description": "the absolute path of a file"},
            "start": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string"},
                "description": "a list of words, the command first",
            },
            **PORTS,
        },
    }

    def __init__(self, args: Mapping[str, Any], where: str = "") -> None:
        check(args, self.SCHEMA, where)
        self._args = args

    def entry(self) -> dict[str, Any]:
        """Return the service as catalogues write it.

        Example:
            >>> ProcessService({"pidfile": "/run/web.pid", "start": ["web"]}).entry()
            {'driver': 'process', 'pidfile': '/run/web.pid', 'start': ['web'], 'ports': []}
        """
        start = {"start": list(self._args["start"])} if "start" in self._args else {}
        return {"driver": self.NAME, "pidfile": self._args["pidfile"], **start, "ports": ports_of(self._args)}
