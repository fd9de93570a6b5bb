"""Converts values as Ansible does. The messages of the errors are Ansible's own; a test compares them."""

from __future__ import annotations

import decimal
import json
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_TRUE = frozenset({"y", "yes", "on", "1", "true", "t", 1})
_FALSE = frozenset({"n", "no", "off", "0", "false", "f", 0})


def _to_str(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _to_int(value: Any) -> int:
    if isinstance(value, int):
        return value
    try:
        exact = decimal.Decimal(value)
        if exact == int(exact):
            return int(exact)
    except (decimal.DecimalException, TypeError, ValueError, OverflowError):
        pass
    raise TypeError(f'"{value!r}" cannot be converted to an int')


def _to_float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{type(value)} cannot be converted to a float") from None


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, (str, int, float)):
        raise TypeError(f"{type(value)} cannot be converted to a bool")
    word = value.lower().strip() if isinstance(value, str) else value
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise TypeError(f"The value '{value!s}' is not a valid boolean.")


def _to_list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, str):
        return value.split(",")
    if isinstance(value, (int, float)):
        return [str(value)]
    raise TypeError(f"{type(value)} cannot be converted to a list")


def _to_dict(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    if not isinstance(value, str):
        raise TypeError(f"{type(value)} cannot be converted to a dict")
    if value.startswith("{"):
        return _json_dict(value)
    if "=" not in value:
        raise TypeError("dictionary requested, could not parse JSON or key=value")
    words: Iterable[list[str]] = (word.split("=", 1) for word in shlex.split(value.replace(",", " ")))
    try:
        return dict(words)
    except ValueError:
        raise TypeError('unable to evaluate string in the "key=value" format as dictionary') from None


def _json_dict(value: str) -> dict[str, Any]:
    try:
        return dict(json.loads(value))
    except ValueError:
        raise TypeError("unable to evaluate string as dictionary") from None


#: Type of an option → function that converts a value to this type.
CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "str": _to_str,
    "int": _to_int,
    "float": _to_float,
    "bool": _to_bool,
    "list": _to_list,
    "dict": _to_dict,
    "path": _to_str,
    "raw": lambda value: value,
}
