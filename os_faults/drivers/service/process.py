"""Services that are separate programs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from os_faults.config import check
from os_faults.drivers.service.ports import PORTS, ports_of
from os_faults.drivers.service.systemd import UNIT
from os_faults.errors import ConfigError

_COMMAND = {"type": "string", "minLength": 1, "description": "a shell command"}
_COMMANDS = ("start", "start_cmd", "terminate_cmd", "restart_cmd")

GREP: Mapping[str, Any] = {
    "type": "string",
    "minLength": 1,
    "description": "an extended regular expression, for the whole command line",
}
"""Schema of the key ``grep``."""

_PATH = {"type": "string", "pattern": r"^/[^\s{}]+$", "description": "the absolute path of a file"}

HANDLES: Mapping[str, Any] = {"pidfile": _PATH, "executable": _PATH, "grep": GREP, "unit": UNIT}
"""Schema of the handles, the keys by which processes are found, for the ``properties`` of a service driver."""


class ProcessService:
    r"""A program, found by its pid file, its executable, its command line or a unit; root is not needed.

    .. code-block:: yaml

        services:
          web:
            driver: process
            pidfile: /tmp/web.pid
            start: [python3, -m, http.server, "8080"]
            port: 8080
          rabbitmq:
            driver: process
            grep: beam\.smp .*rabbitmq_server
            start_cmd: rabbitmq-server -detached
            terminate_cmd: rabbitmqctl stop
          proxy:
            driver: process
            executable: /usr/sbin/haproxy
            start_cmd: /etc/init.d/haproxy start

    One of these finds it:

    * ``pidfile``: the file with its process number (``start`` writes the file for a program that does not);
    * ``executable``: the path of the binary, or of the script that an interpreter runs;
    * ``grep``: an extended regular expression, searched for in the whole command line;
    * ``unit``: a systemd unit that is started and stopped by other commands than systemd's.

    All its descendant processes belong to it. Editors, pagers, shells with ``-c`` and other tools that only have its
    name on their command line, such as ``tail -f`` of its log, never belong to it. A daemon that is called like such a
    tool (``rsync --daemon``) is named by ``executable``, or by a ``grep`` like ``^/usr/bin/rsync --daemon``.

    A service with ``executable`` or ``grep`` is on the nodes where it runs, or where ``terminate`` stopped it; others
    are on the nodes where they are installed.

    ``start`` is the command and its words, without a shell; ``start_cmd``, ``terminate_cmd`` and ``restart_cmd`` are
    for the shell. Without a start command the service can't be started again, so os_faults does not stop it either.
    Without ``terminate_cmd`` it gets SIGTERM, without ``restart_cmd`` it is stopped and started.
    """

    NAME: ClassVar[str] = "process"
    DESCRIPTION: ClassVar[str] = "A program, found by pid file, executable or command line"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "description": "a mapping with one of pidfile, executable, grep and unit",
        "properties": {
            **HANDLES,
            "start": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string"},
                "description": "a list of words, the command first",
            },
            "start_cmd": _COMMAND,
            "terminate_cmd": _COMMAND,
            "restart_cmd": _COMMAND,
            **PORTS,
        },
        "oneOf": [{"required": [handle]} for handle in HANDLES],
    }

    def __init__(self, args: Mapping[str, Any], where: str = "") -> None:
        check(args, self.SCHEMA, where)
        if "start" in args and "start_cmd" in args:
            raise ConfigError(f"{where}.start stands beside start_cmd: give one of them")
        check_grep(args, where)
        self._args = args

    def entry(self) -> dict[str, Any]:
        """Return the service in the form of a catalogue.

        Example:
            >>> ProcessService({"pidfile": "/run/web.pid", "start": ["web"]}).entry()
            {'driver': 'process', 'pidfile': '/run/web.pid', 'start': ['web'], 'ports': []}
        """
        commands = {key: self._args[key] for key in _COMMANDS if key in self._args}
        return {"driver": self.NAME, **handles_of(self._args), **commands, "ports": ports_of(self._args)}


def handles_of(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the handles of a service in the form of a catalogue.

    Example:
        >>> handles_of({"unit": "haproxy", "port": 80})
        {'units': ['haproxy']}
    """
    given = {key: args[key] for key in HANDLES if key in args and key != "unit"}
    return {**given, **({"units": [args["unit"]]} if "unit" in args else {})}


def check_grep(args: Mapping[str, Any], where: str) -> None:
    """Refuse a ``grep`` that is not a regular expression.

    Raises:
        ConfigError: the message has the reason.
    """
    try:
        re.compile(args.get("grep", ""))
    except re.error as error:
        raise ConfigError(f"{where}.grep must be {GREP['description']}: {error}") from None
