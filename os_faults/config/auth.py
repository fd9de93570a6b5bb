"""Login keys, flat or under ``auth``, → `os_faults.model.Auth`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from os_faults.config.schema import LOGIN, join
from os_faults.config.secrets import SECRET_KEYS
from os_faults.errors import ConfigError
from os_faults.model import Auth, Jump

_FIELDS = {"python_interpreter": "python"}
"""Login key → field of `Auth` with another name."""


def auth_of(*levels: Mapping[str, Any], root_by_default: bool = False, where: str = "") -> Auth:
    """Return a login, from the arguments of a driver and those of a node.

    Args:
        levels: mappings that may have login keys, flat or under ``auth``; other keys are ignored. A later level wins
            field by field.
        root_by_default: become root when no level has ``become`` and the user is not root.
        where: path of the arguments, for messages.

    Example:
        >>> auth_of({"address": "10.0.0.2", "username": "stack"}, {"auth": {"port": 2222}})
        Auth(username='stack', private_key_file=None, port=2222, ...)

    Raises:
        ConfigError: a key is given twice, flat and under ``auth``.
    """
    login: dict[str, Any] = {}
    for level in levels:
        login.update(_login(level, where))
    if any(key.startswith("become_") for key in login):
        login.setdefault("become", True)
    if root_by_default and login.get("username") != "root":
        login.setdefault("become", True)
    if jump := login.pop("jump", None):
        login["jump"] = Jump(**jump)
    if "ssh_args" in login:
        login["ssh_args"] = tuple(login["ssh_args"])
    return Auth(**{_FIELDS.get(key, key): value for key, value in login.items()})


def keys_of(auth: Auth, names: Iterable[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return login keys, in the form of the configuration.

    Args:
        auth: the login.
        names: the wanted fields.
        given: the entry of the same host in a configuration; its references to passwords are kept.

    Example:
        >>> keys_of(Auth(username="stack", port=2222), ["port"], {})
        {'port': 2222}
    """
    keys = {field: key for key, field in _FIELDS.items()}
    found = {keys.get(name, name): getattr(auth, name) for name in names}
    found |= {key: given.get(key, str(found[key])) for key in SECRET_KEYS & found.keys()}
    if "ssh_args" in found:
        found["ssh_args"] = list(found["ssh_args"])
    if jump := found.get("jump"):
        found["jump"] = {key: value for key, value in asdict(jump).items() if value is not None}
    return found


def _login(level: Mapping[str, Any], where: str) -> dict[str, Any]:
    nested = level.get("auth") or {}
    flat = {key: value for key, value in level.items() if key in LOGIN}
    if twice := sorted(flat.keys() & nested.keys()):
        raise ConfigError(f"{join(where, twice[0])} is given twice: flat and under auth")
    return {**flat, **nested}
