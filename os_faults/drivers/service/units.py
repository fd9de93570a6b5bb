"""Services that systemd runs: the drivers of older configurations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from os_faults.config import check
from os_faults.drivers.service.ports import PORTS, ports_of
from os_faults.drivers.service.process import GREP
from os_faults.drivers.service.systemd import UNIT, SystemdService


class _NamedUnit:
    """A service that is one systemd unit, named by the key ``HANDLE``."""

    NAME: ClassVar[str]
    HANDLE: ClassVar[str]
    SCHEMA: ClassVar[Mapping[str, Any]]

    def __init__(self, args: Mapping[str, Any], where: str = "") -> None:
        check(args, self.SCHEMA, where)
        self._args = args

    def entry(self) -> dict[str, Any]:
        """Return the service in the form of a catalogue, with the driver ``systemd``."""
        return {"driver": SystemdService.NAME, "units": [self._args[self.HANDLE]], "ports": ports_of(self._args)}


def _schema(handle: str) -> Mapping[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [handle],
        "properties": {handle: UNIT, "grep": GREP, **PORTS},
    }


class SystemService(_NamedUnit):
    """A service that systemd runs, in the form of older configurations; new ones use ``systemd``.

    .. code-block:: yaml

        services:
          app:
            driver: system_service
            args: {service_name: app, grep: app-server, port: [tcp, 8080]}

    The processes are those of the unit; ``grep`` is accepted and ignored.
    """

    NAME: ClassVar[str] = "system_service"
    HANDLE: ClassVar[str] = "service_name"
    DESCRIPTION: ClassVar[str] = "Older name of systemd"
    OLDER_NAME_OF: ClassVar[str] = "systemd"
    SCHEMA: ClassVar[Mapping[str, Any]] = _schema("service_name")


class LinuxService(_NamedUnit):
    """A service started by ``service NAME start``, in the form of older configurations; new ones use ``systemd``.

    .. code-block:: yaml

        services:
          app:
            driver: linux_service
            args: {linux_service: app, grep: app-server}

    Init scripts are units for systemd. The processes are those of the unit; ``grep`` is accepted and ignored.
    """

    NAME: ClassVar[str] = "linux_service"
    HANDLE: ClassVar[str] = "linux_service"
    DESCRIPTION: ClassVar[str] = "Older name of systemd, for init scripts"
    OLDER_NAME_OF: ClassVar[str] = "systemd"
    SCHEMA: ClassVar[Mapping[str, Any]] = _schema("linux_service")


class SystemdUnitService(_NamedUnit):
    """A service that systemd runs, in the form of older configurations; new ones use ``systemd``.

    .. code-block:: yaml

        services:
          app:
            driver: systemd_service
            args: {systemd_service: app, grep: app-server}

    The processes are those of the unit; ``grep`` is accepted and ignored.
    """

    NAME: ClassVar[str] = "systemd_service"
    HANDLE: ClassVar[str] = "systemd_service"
    DESCRIPTION: ClassVar[str] = "Older name of systemd"
    OLDER_NAME_OF: ClassVar[str] = "systemd"
    SCHEMA: ClassVar[Mapping[str, Any]] = _schema("systemd_service")
