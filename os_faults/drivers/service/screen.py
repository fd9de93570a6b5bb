"""Services that run in a window of GNU screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from os_faults.config import check
from os_faults.drivers.service.ports import PORTS, ports_of
from os_faults.drivers.service.process import GREP, ProcessService, check_grep

_NAME = {"type": "string", "pattern": r"^[A-Za-z0-9_.][A-Za-z0-9_.-]*$", "description": "a plain name"}
_TYPE = "set -- screen -S {session} -p {window} -X stuff \"$(printf '{keys}')\"; "
_AS_USER = 'if [ "$(id -un)" = {user} ]; then "$@"; else runuser -u {user} -- "$@"; fi'


class ScreenService:
    r"""A service that a person (or an older DevStack) started in a window of GNU screen.

    .. code-block:: yaml

        services:
          nova-api:
            driver: screen
            args: {window_name: n-api, grep: bin/nova-api, port: [tcp, 8774]}

    Ctrl-C stops it. The keys Up and Enter start it: they repeat the last command of its window. ``session`` is the name
    of screen's session, ``user`` its owner (both ``stack`` when left out). Its processes are found by ``grep``, as with
    the driver ``process``.
    """

    NAME: ClassVar[str] = "screen"
    DESCRIPTION: ClassVar[str] = "A service in a window of GNU screen"
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["window_name", "grep"],
        "properties": {
            "window_name": _NAME,
            "session": _NAME,
            "user": {"$ref": "#/$defs/account"},
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
        return {
            "driver": ProcessService.NAME,
            "grep": self._args["grep"],
            "start_cmd": self._typing(r"\033[A\r"),
            "terminate_cmd": self._typing(r"\003"),
            "ports": ports_of(self._args),
        }

    def _typing(self, keys: str) -> str:
        names = {
            "session": self._args.get("session", "stack"),
            "user": self._args.get("user", "stack"),
            "window": self._args["window_name"],
        }
        return (_TYPE + _AS_USER).format(keys=keys, **names)
