"""Any set of hosts whose services the configuration names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from os_faults.drivers.cloud.ssh import ARGUMENTS, SshCloud


class UniversalCloud(SshCloud):
    """Hosts that are listed here (or in ``node_discover``), with services that are configured one by one.

    .. code-block:: yaml

        cloud_management:
          driver: universal
          nodes: [localhost]
          connection: local                 # this machine, without ssh
        services:
          web:
            driver: process
            pidfile: /tmp/web.pid
            start: [python3, -m, http.server, "8080"]
            port: 8080

    There is no catalogue, and no user becomes root without ``become: true``; only the nodes of ``node_discover`` beside
    services with drivers of 0.3 by their older names (``system_service``) are acted on as root, as 0.3 did.
    """

    NAME: ClassVar[str] = "universal"
    DESCRIPTION: ClassVar[str] = "Any hosts; the services are configured one by one"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": ARGUMENTS,
    }
