"""Arguments of ssh, as an inventory has them → keys of a login.

A jump host and a key become keys of their own. So its connection is shared by all nodes, and its host key is checked.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_WITH_VALUE = frozenset("BbcDEeFIiJLlmOopQRSWw")
"""The options of ssh that have a value."""

_CHECKS = frozenset({"stricthostkeychecking", "userknownhostsfile", "globalknownhostsfile", "checkhostip"})
"""The options about host keys: those of the configuration count."""

_KEYS = {"i": "private_key_file", "identityfile": "private_key_file", "l": "username", "user": "username"}
_KEYS |= {"p": "port", "port": "port"}
"""Option of ssh, in lower case → key of a login."""

_ADDRESS = re.compile(r"(?:ssh://)?(?:(?P<username>[^@\s]+)@)?(?P<host>\[[^\]]+\]|[^:@\s/]+)(?::(?P<port>\d+))?/?")
_STDIO = re.compile(r"\[?%h\]?:%p")


def login_of(arguments: str) -> tuple[dict[str, Any], list[str]]:
    """Return keys of a login, and the options that are not used.

    Args:
        arguments: the arguments in one text, quoted as for a shell.

    Example:
        >>> login_of("-o StrictHostKeyChecking=no -J op@gate:2200 -C")
        ({'jump': {'username': 'op', 'host': 'gate', 'port': 2200}, 'ssh_args': ['-C']}, ['StrictHostKeyChecking=no'])

    Raises:
        ValueError: the quotes do not match, or a port is not a number.
    """
    login: dict[str, Any] = {}
    rest: list[str] = []
    unused: list[str] = []
    for option, value in _options(shlex.split(arguments)):
        name = option.lower() if len(option) > 1 else option
        if name in _CHECKS:
            unused.append(f"{option}={value}")
        elif jump := _JUMPS.get(name, _no_jump)(value):
            login.setdefault("jump", jump)
        elif key := _KEYS.get(name):
            login.setdefault(key, int(value) if key == "port" else value)
        else:
            rest += _words(option, value)
    return {**login, **({"ssh_args": rest} if rest else {})}, unused


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield option and value; the value of a flag, and the option of a word that is none, are empty."""
    left = iter(words)
    for word in left:
        if not re.match("-[A-Za-z0-9]", word):
            yield "", word
        elif word[1] not in _WITH_VALUE:
            yield from ((flag, "") for flag in word[1:])
        else:
            value = word[2:] or next(left, "")
            name, _, setting = (part.strip() for part in value.replace("=", " ", 1).partition(" "))
            yield (name, setting) if word[1] == "o" else (word[1], value)


def _words(option: str, value: str) -> list[str]:
    if len(option) > 1:
        return ["-o", f"{option}={value}"]
    return [*([f"-{option}"] if option else []), *([value] if value else [])]


def _jump(value: str) -> dict[str, Any] | None:
    """Return one jump host; None for several, or for none."""
    found = _ADDRESS.fullmatch(value)
    if found is None or value.lower() == "none":
        return None
    jump: dict[str, Any] = {key: part for key, part in found.groupdict().items() if part}
    jump["host"] = jump["host"].strip("[]")
    return {**jump, "port": int(jump["port"])} if "port" in jump else jump


def _jump_of_command(value: str) -> dict[str, Any] | None:
    """Return the jump host of a command that is ``ssh -W %h:%p``, with a login and nothing else; else None."""
    try:
        program, *words = shlex.split(value)
    except ValueError:
        return None
    jump: dict[str, Any] = {}
    keys: Mapping[str, str] = _KEYS
    through = False
    for option, setting in _options(words) if program in ("ssh", "/usr/bin/ssh") else ():
        name = option.lower() if len(option) > 1 else option
        if name == "W":
            through = bool(_STDIO.fullmatch(setting))
        elif not option and "host" not in jump and (found := _jump(setting)):
            jump = {**found, **jump}
        elif name in keys:
            jump[keys[name]] = int(setting) if keys[name] == "port" and setting.isdigit() else setting
        elif name not in ("q", "C", *_CHECKS):
            return None
    return jump if through and "host" in jump else None


def _no_jump(_value: str) -> None:
    return None


_JUMPS: Mapping[str, Callable[[str], dict[str, Any] | None]] = {
    "J": _jump,
    "proxyjump": _jump,
    "proxycommand": _jump_of_command,
}
"""Option of ssh → the jump host that its value names."""
