"""Arguments of ssh, as an inventory has them → keys of a login.

A jump host and a key become keys of their own. So its connection is shared by all nodes, and its host key is checked.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from itertools import takewhile
from typing import Any

_WITH_VALUE = frozenset("BbcDEeFIiJLlmOopQRSWw")
"""The options of ssh that have a value."""

_CHECKS = frozenset({"stricthostkeychecking", "userknownhostsfile", "globalknownhostsfile", "checkhostip"})
"""The options about host keys: those of the configuration count."""

_KEYS = {"i": "private_key_file", "identityfile": "private_key_file", "l": "username", "user": "username"}
_KEYS |= {"p": "port", "port": "port"}
"""Option of ssh, in lower case → key of a login."""

_ADDRESS = re.compile(r"(?:ssh://)?(?:(?P<username>[^@\s]+)@)?(?P<host>\[[^\]]+\]|[^:@\s/,]+)(?::(?P<port>\d+))?/?")
_STDIO = re.compile(r"\[?%h\]?:%p")


def login_of(arguments: str) -> tuple[dict[str, Any], list[str]]:
    """Return keys of a login, and the options that are not used.

    Args:
        arguments: the arguments in one text, quoted as for a shell.

    Example:
        >>> login_of("-o StrictHostKeyChecking=no -J op@gate:2200 -C")
        ({'jump': {'username': 'op', 'host': 'gate', 'port': 2200}, 'ssh_args': ['-C']}, ['StrictHostKeyChecking=no'])

    Raises:
        ValueError: the quotes do not match, or a port is not a number; the message is a sentence.
    """
    login: dict[str, Any] = {}
    rest: list[str] = []
    unused: list[str] = []
    for option, value in _options(shlex.split(arguments)):
        name = option.lower() if len(option) > 1 else option
        if name in _CHECKS:
            unused.append(f"{option}={value}")
        elif jump := _JUMPS.get(name, _no_jump)(value, unused):
            login.setdefault("jump", jump)
        elif key := _KEYS.get(name):
            login.setdefault(key, _setting(key, value))
        else:
            rest += _words(option, value)
    return {**login, **({"ssh_args": rest} if rest else {})}, unused


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield option and value; the value of a flag, and the option of a word that is none, are empty.

    One word can have several options, as for ssh: flags, and at its end one with a value (``-vJ gate``).
    """
    left = iter(words)
    for word in left:
        if not re.match("-[A-Za-z0-9]", word):
            yield "", word
            continue
        flags = "".join(takewhile(lambda letter: letter not in _WITH_VALUE, word[1:]))
        yield from ((flag, "") for flag in flags)
        option, rest = word[1 + len(flags) :][:1], word[2 + len(flags) :]
        if option:
            value = rest or next(left, "")
            name, _, setting = (part.strip() for part in value.replace("=", " ", 1).partition(" "))
            yield (name, setting) if option == "o" else (option, value)


def _words(option: str, value: str) -> list[str]:
    if len(option) > 1:
        return ["-o", f"{option}={value}"]
    return [*([f"-{option}"] if option else []), *([value] if value else [])]


def _setting(key: str, value: str) -> str | int:
    """Return the value of a key of a login.

    Raises:
        ValueError: a port is not a number.
    """
    if key != "port":
        return value
    if not value.isdecimal():
        raise ValueError(f"a port for ssh must be a number, got: {value!r}")
    return int(value)


def _jump(value: str, _unused: list[str]) -> dict[str, Any] | None:
    """Return one jump host; None for several, or for none."""
    found = _ADDRESS.fullmatch(value)
    if found is None or value.lower() == "none":
        return None
    jump: dict[str, Any] = {key: part for key, part in found.groupdict().items() if part}
    jump["host"] = jump["host"].strip("[]")
    return {**jump, "port": int(jump["port"])} if "port" in jump else jump


def _jump_of_command(value: str, unused: list[str]) -> dict[str, Any] | None:
    """Return the jump host of a command that is ``ssh -W %h:%p``, with a login and nothing else; else None.

    Args:
        value: the command.
        unused: the options of the command that are not used are added here.
    """
    try:
        program, *words = shlex.split(value)
    except ValueError:
        return None
    jump: dict[str, Any] = {}
    through = False
    checks: list[str] = []
    for option, setting in _options(words) if program in ("ssh", "/usr/bin/ssh") else ():
        name = option.lower() if len(option) > 1 else option
        if name == "W":
            through = bool(_STDIO.fullmatch(setting))
        elif not option and "host" not in jump and (found := _jump(setting, unused)):
            jump = {**found, **jump}
        elif key := _KEYS.get(name):
            jump[key] = _setting(key, setting)
        elif name in _CHECKS:
            checks.append(f"{option}={setting} (in ProxyCommand)")
        elif name not in ("q", "C"):
            return None
    if not through or "host" not in jump:
        return None
    unused += checks
    return jump


def _no_jump(_value: str, _unused: list[str]) -> None:
    return None


_JUMPS: Mapping[str, Callable[[str, list[str]], dict[str, Any] | None]] = {
    "J": _jump,
    "proxyjump": _jump,
    "proxycommand": _jump_of_command,
}
"""Option of ssh → the jump host that its value names; it adds what is not used to a list."""
