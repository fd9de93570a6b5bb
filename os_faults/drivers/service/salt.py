"""Services that a Salt minion starts and stops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from os_faults.config import check
from os_faults.drivers.service.ports import PORTS, ports_of
from os_faults.drivers.service.process import GREP, ProcessService, check_grep


class SaltService:
    """A service that the host's Salt minion starts and stops.

    .. code-block:: yaml

        services:
          keystone:
            driver: salt_service
            args: {salt_service: keystone, grep: keystone-all, port: [tcp, 5000]}

    ``salt-call --local`` starts, stops and restarts it, without the Salt master. Its processes are found by ``grep``,
    as with the driver ``process``.
    """

    NAME: ClassVar[str] = "salt_service"
    DESCRIPTION: ClassVar[str] = "A service that Salt starts and stops"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["salt_service", "grep"],
        "properties": {
            "salt_service": {
                "type": "string",
                "pattern": r"^[A-Za-z0-9_][A-Za-z0-9:_.@-]*$",
                "description": "the name of a service",
            },
            "grep": GREP,
            **PORTS,
        },
    }

    def __init__(self, args: Mapping[str, Any], where: str = "") -> None:
        check(args, self.SCHEMA, where)
        check_grep(args, where)
        self._args = args

    def entry(self) -> dict[str, Any]:
        """Return the service in the form of a catalogue: a program with commands."""
        call = "salt-call --local --retcode-passthrough service.{} " + self._args["salt_service"]
        words = {"start_cmd": "start", "terminate_cmd": "stop", "restart_cmd": "restart"}
        commands = {key: call.format(word) for key, word in words.items()}
        return {"driver": ProcessService.NAME, "grep": self._args["grep"], **commands, "ports": ports_of(self._args)}
