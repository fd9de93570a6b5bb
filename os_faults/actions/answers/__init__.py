"""Answers of hosts → typed and bounded values. Only this module reads the raw answers of hosts.

A host may be broken or hostile. So an answer that does not fit is a failure of its host, and of no other host:

* every answer is bounded in depth and size, its numbers are finite, its texts can be written as UTF-8;
* an answer of our modules has the keys of `shapes.yml`, each with its type; other keys are left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from os_faults.resources import read_yaml

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

MAX_CHARACTERS = 10_000_000
"""Most characters of an answer; ansible-runner's callback drops a longer one (``MAX_EVENT_RES``)."""

_MAX_OURS = 2_000_000
"""The same for our modules: a node with 1000 interfaces and services has an answer of 300 000."""

_MAX_DEPTH = 50
_MAX_VALUES = 300_000
_MAX_INTEGER = 2**63

#: Keys of an answer that Ansible itself understands or adds, for any module.
_ANSIBLES = frozenset(
    "ansible_loop_var censored changed cmd deprecations exception failed invocation module_stderr module_stdout msg rc "
    "results skip_reason skipped stderr stdout timedout unreachable warnings _ansible_item_label".split()
)


class Unfit(ValueError):
    """An answer can't be used; the text ends the sentence "its answer can't be used: …"."""


def read(module: str, answer: Any, *, succeeded: bool) -> dict[str, Any]:
    """Return an answer as typed and bounded values.

    Args:
        module: name of the module, without a collection.
        answer: the answer, as ansible-runner reports it.
        succeeded: whether the task succeeded; then the answer must have all keys that the module always returns.

    Raises:
        Unfit: it is cut off, too big, or does not have the form of the module's answers.

    Example:
        >>> read("osf_answer", {"boot_id_after": "9c3c", "changed": False, "odd": 1}, succeeded=True)
        {'boot_id_after': '9c3c', 'changed': False}
    """
    if not isinstance(answer, Mapping):
        raise Unfit("it is not a mapping")
    if not answer:  # even an empty answer has Ansible's own keys
        raise Unfit(f"it has more than {MAX_CHARACTERS} characters")
    shape = _modules().get(module)
    if shape is None:
        return dict(bounded(answer))
    plain: dict[str, Any] = bounded(answer, _MAX_OURS)
    if _is_loop(plain):
        items = [read(module, item, succeeded=succeeded and not item.get("skipped")) for item in plain["results"]]
        return {**{key: value for key, value in plain.items() if key in _ANSIBLES}, "results": items}
    _refuse(_validator(module, succeeded), plain)
    plain.pop("results", None)
    documented = _documented(plain, shape)
    if "notes" in documented:  # a separate line could be mistaken for a message of ours, or of another host
        documented["notes"] = ["; ".join(note.splitlines()) for note in documented["notes"]]
    return {**{key: plain[key] for key in plain if key in _ANSIBLES}, **documented}


def read_document(name: str, content: Any) -> Any:
    """Return a document that a host printed, as typed and bounded values.

    Args:
        name: name of the document in `shapes.yml`.
        content: parsed JSON.

    Raises:
        Unfit: it does not have the form of the document.
    """
    plain = bounded(content)
    _refuse(_validator(name, True), plain)
    return plain


def _is_loop(answer: Mapping[str, Any]) -> bool:
    """Return whether an answer is Ansible's own answer for a task with a loop, with one result for each item."""
    items = answer.get("results")
    return isinstance(items, list) and bool(items) and all(_is_item(item) for item in items)


def _is_item(item: Any) -> bool:
    return isinstance(item, dict) and "ansible_loop_var" in item and "results" not in item


def _documented(value: Any, shape: Mapping[str, Any]) -> Any:
    """Return a value that fits a shape, without the keys that are not in the shape, at any depth."""
    if "$ref" in shape:
        shape = _shapes()["$defs"][shape["$ref"].rpartition("/")[2]]
    if isinstance(value, dict) and "properties" in shape:
        known = shape["properties"]
        return {key: _documented(item, known[key]) for key, item in value.items() if key in known}
    if isinstance(value, dict) and "additionalProperties" in shape:
        return {key: _documented(item, shape["additionalProperties"]) for key, item in value.items()}
    if isinstance(value, list) and "items" in shape:
        return [_documented(item, shape["items"]) for item in value]
    return value


def bounded(value: Any, characters: int = MAX_CHARACTERS) -> Any:
    """Return a copy of parsed JSON of bounded depth and size, which can be shown and written again.

    Args:
        value: parsed JSON.
        characters: most characters of all its texts together.

    Raises:
        Unfit: it is too deep, has too many values or characters, or a number that other programs can't read.

    Example:
        >>> bounded({"since": float("nan")})
        Traceback (most recent call last):
        os_faults.actions.answers.Unfit: it has a number that is not finite: nan
    """
    return _Copy(characters).of(value, 0)


class _Copy:
    """Makes one bounded copy, and counts its values and characters."""

    def __init__(self, characters: int) -> None:
        self._left = _MAX_VALUES
        self._characters = characters

    def of(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if depth > _MAX_DEPTH:
            raise Unfit(f"it is nested more than {_MAX_DEPTH} deep")
        if self._left < 0:
            raise Unfit(f"it has more than {_MAX_VALUES} values")
        if isinstance(value, str):
            self._characters -= len(value)
            if self._characters < 0:
                raise Unfit("it is too long")
            return value.encode("utf-8", "replace").decode("utf-8")  # JSON can have half of a surrogate pair
        if isinstance(value, Mapping):
            return {self.of(str(key), depth): self.of(item, depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.of(item, depth + 1) for item in value]
        if isinstance(value, float) and not math.isfinite(value):
            raise Unfit(f"it has a number that is not finite: {value}")
        if isinstance(value, int) and abs(value) >= _MAX_INTEGER:
            raise Unfit("it has a number that is too big")
        return value


@cache
def _shapes() -> Mapping[str, Any]:
    shapes: Mapping[str, Any] = read_yaml(Path(__file__).with_name("shapes.yml"))
    return shapes


def _modules() -> Mapping[str, Mapping[str, Any]]:
    modules: Mapping[str, Mapping[str, Any]] = _shapes()["modules"]
    return modules


@cache
def _validator(name: str, succeeded: bool) -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # 0.2 s: only when there is something to check

    shapes = _shapes()
    shape = {**shapes["documents"], **shapes["modules"]}[name]
    required: dict[str, list[str]] = {} if succeeded else {"required": []}
    return Draft202012Validator({**shape, **required, "$defs": shapes["$defs"]})


def _refuse(validator: Draft202012Validator, value: Any) -> None:
    error = next(validator.iter_errors(value), None)  # only the first: a hostile answer can have a million
    if error is None:
        return
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in error.absolute_path).lstrip(".")
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        raise Unfit(f"{path}.{missing}".lstrip(".") + " is missing")
    raise Unfit(
        f"{path or 'it'} is {_shown(error.instance)}, wanted: {error.validator} {_shown(error.validator_value)}"
    )


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
