"""Passwords: read from their references, and never shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from os_faults.errors import ConfigError

SECRET_KEYS = frozenset({"password", "become_password", "slave_password", "kg"})


class Secret(str):
    """A string with a mask as its ``repr``, also inside dictionaries and tracebacks.

    Example:
        >>> {"password": Secret("canary")}
        {'password': '********'}
    """

    def __repr__(self) -> str:
        return "'********'"


def resolve(value: Any, where: str, environ: Mapping[str, str], base: Path) -> Any:
    """Return a password, read from its reference if ``value`` is one.

    Args:
        value: the password, ``{"env": NAME}`` or ``{"file": PATH}``. Any other value is returned unchanged, and the
            schema refuses it.
        where: path of the key, for messages.
        environ: the environment for ``env``.
        base: the base directory of a relative ``file``.

    Raises:
        ConfigError: the target of the reference does not exist.
    """
    if isinstance(value, str):
        return Secret(value)
    if not isinstance(value, Mapping):
        return value
    if len(value) != 1 or next(iter(value)) not in ("env", "file"):
        raise ConfigError(f"{where} must be a string, {{env: NAME}} or {{file: PATH}}")
    kind, target = next(iter(value.items()))
    if not isinstance(target, str) or not target:
        raise ConfigError(f"{where}.{kind} must be a string")
    return Secret(_from_env(target, where, environ) if kind == "env" else _from_file(target, where, base))


def _from_env(name: str, where: str, environ: Mapping[str, str]) -> str:
    try:
        return environ[name]
    except KeyError:
        raise ConfigError(f"{where}: the environment variable {name} is not set") from None


def _from_file(name: str, where: str, base: Path) -> str:
    path = base / name
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"{where}: can't read {path}: {reason}") from None
