"""Tasks with ``no_log``: their arguments are in no artifact once the run is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OFF = (False, None, "no", "false", "False")


def is_set(task: Any) -> bool:
    """Return whether a task, or one in its blocks, has ``no_log``; a template that decides on it counts.

    Example:
        >>> is_set({"block": [{"command": "true", "no_log": True}]})
        True
    """
    if isinstance(task, (list, tuple)):
        return any(map(is_set, task))
    if not isinstance(task, Mapping):
        return False
    return task.get("no_log", False) not in _OFF or any(is_set(task.get(key)) for key in ("block", "rescue", "always"))


def censored(task: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a task without its arguments where it has ``no_log``; it does nothing then."""
    if not is_set(task):
        return task
    name = str(task.get("name", "a task"))
    return {"name": f"{name} (its arguments are left out, as it has no_log)", "ansible.builtin.meta": "noop"}
