"""The schema of a configuration, and the messages for its violations.

The schema is data (`schema.yml`). The schemas of drivers can refer to its definitions: ``{"$ref": "#/$defs/address"}``.
No message quotes a value that could be a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from os_faults.errors import ConfigError, did_you_mean
from os_faults.resources import read_yaml

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

Schema = Mapping[str, Any]

SCHEMA: Schema = read_yaml(Path(__file__).with_name("schema.yml"))
"""The schema of a whole configuration."""

AUTH: Schema = {"type": "object", "additionalProperties": False, "properties": SCHEMA["$defs"]["login"]}

LOGIN: Mapping[str, Schema] = SCHEMA["$defs"]["login"]
"""The login keys (``username``, ``port`` …), for the ``properties`` of a driver's schema."""

_DEFS: Schema = {**SCHEMA["$defs"], "auth": AUTH}
_ESCAPED_OR_END = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", re.DOTALL)
"""Matches a part of a pattern with a literal ``$``, or a ``$`` that means the end."""

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def check(value: Any, schema: Schema, where: str = "") -> None:
    """Refuse a value that the schema does not allow.

    Args:
        value: what to check.
        schema: JSON Schema; it may refer to the ``$defs`` of `schema.yml` (and ``auth``).
        where: path of the value, the beginning of each sentence.

    Example:
        >>> check({"adress": "x"}, {"properties": {"address": {}}, "additionalProperties": False}, "cloud")
        Traceback (most recent call last):
        os_faults.errors.ConfigError: cloud.adress is not a known key: did you mean 'address'? known: address

    Raises:
        ConfigError: one sentence, and one line, for each problem.
    """
    validator = _validator()({**schema, "$defs": _DEFS})
    errors = sorted(validator.iter_errors(value), key=lambda error: [str(key) for key in error.absolute_path])
    problems = [sentence for error in errors for sentence in _sentences(error, where)]
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))


@cache
def _validator() -> Any:
    """Return a validator class where ``$`` in a pattern is the end of the text, as in JSON Schema."""
    from jsonschema import Draft202012Validator, ValidationError  # 0.2 s: only when there is something to check
    from jsonschema.validators import extend

    def pattern(_validator: Any, wanted: str, value: Any, _schema: Schema) -> Iterator[ValidationError]:
        if isinstance(value, str) and not re.search(_to_the_end(wanted), value):
            yield ValidationError(f"{value!r} does not match {wanted!r}")

    return extend(Draft202012Validator, {"pattern": pattern})  # type: ignore[no-untyped-call]


@cache
def _to_the_end(pattern: str) -> str:
    r"""Return a pattern where ``$`` matches only the end; in Python it also matches before a last line break.

    Example:
        >>> _to_the_end(r"^[$]a\$$")
        '^[$]a\\$\\Z'
    """
    return _ESCAPED_OR_END.sub(lambda found: r"\Z" if found[0] == "$" else found[0], pattern)


def _sentences(error: ValidationError, where: str) -> Iterator[str]:
    """Yield the sentences for one error of the validator."""
    path = join(where, *error.absolute_path)
    if "propertyNames" in error.absolute_schema_path:
        path = join(path, str(error.instance))  # it is the key that is wrong
    if error.context:
        yield from _alternatives(error, where)
    elif words := _WORDS.get(str(error.validator)):
        yield from words(error, path)
    else:
        yield f"{path} must be {_wanted(error.schema)}{_hint(error)}"


def _hint(error: ValidationError) -> str:
    """Return what makes a string of a number, where a string is wanted; else ""."""
    wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    is_number = error.validator == "type" and "string" in wanted and isinstance(error.instance, int | float)
    return "; put it in quotes" if is_number else ""


def _alternatives(error: ValidationError, where: str) -> Iterator[str]:
    """Yield the sentences for a value with several allowed shapes: for the intended shape, if it is clear."""
    depth = len(error.absolute_path)
    by_shape: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        by_shape.setdefault(inner.schema_path[0], []).append(inner)
    meant = [
        errors
        for errors in by_shape.values()
        if not any(inner.validator == "type" and len(inner.absolute_path) == depth for inner in errors)
    ]
    if len(meant) == 1:
        for inner in sorted(meant[0], key=lambda inner: [str(key) for key in inner.absolute_path]):
            yield from _sentences(inner, where)
    else:
        yield f"{join(where, *error.absolute_path)} must be {_wanted(error.schema)}"


def _unknown(error: Any, path: str) -> Iterator[str]:
    known = error.schema.get("properties", {})
    for key in error.instance:
        if key not in known:
            yield f"{join(path, key)} is not a known key: {did_you_mean(str(key), known)}"


def _missing(error: Any, path: str) -> Iterator[str]:
    for key in error.validator_value:
        if key not in error.instance:
            yield f"{join(path, key)} is missing"


def _not_listed(error: Any, path: str) -> Iterator[str]:
    yield f"{path} must be one of {', '.join(map(str, error.validator_value))}, not {error.instance!r}"


_WORDS: Mapping[str, Callable[[Any, str], Iterator[str]]] = {
    "additionalProperties": _unknown,
    "required": _missing,
    "enum": _not_listed,
}


def _wanted(schema: Any) -> str:
    if "description" in schema:
        return str(schema["description"])
    kinds: str | Iterable[str] = schema.get("type", ())
    names = [_TYPES[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    return " or ".join(names) or "something else"


def join(where: str, *keys: str | int) -> str:
    """Return the path of a key below ``where``.

    Example:
        >>> join("power_managements", 0, "args")
        'power_managements[0].args'
    """
    for key in keys:
        separator = "" if not where or where.endswith(": ") else "."
        where += f"[{key}]" if isinstance(key, int) else f"{separator}{key}"
    return where
