"""Removes the arguments of tasks with ``no_log`` from the artifacts of a run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_EXCERPT = re.compile(r"Origin: .*?(?=fatal: |failed: |\nTASK |\nPLAY |\Z)", re.DOTALL)
_OFF = (False, None, "no", "false", "False")


def is_set(task: Any) -> bool:
    """Return whether a task, or a task in its blocks, has ``no_log``; a template as the value counts, too.

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
    """Return a task, without its arguments if it has ``no_log``; it does nothing then."""
    if not is_set(task):
        return task
    name = str(task.get("name", "a task"))
    return {"name": f"{name} (its arguments are left out, as it has no_log)", "ansible.builtin.meta": "noop"}


def without_excerpts(text: str) -> str:
    r"""Return output of ``ansible-playbook`` without the quoted lines of the playbook at a failed task.

    Example:
        >>> without_excerpts("[ERROR]: no\nOrigin: x.yml:3\n\n3 command: secret\n\nfatal: [a]: FAILED!")
        '[ERROR]: no\nOrigin: (left out, as a task has no_log)\nfatal: [a]: FAILED!'
    """
    return _EXCERPT.sub("Origin: (left out, as a task has no_log)\n", text)
