"""Copies of the playbooks that do something more behind each hold."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from os_faults import resources

FAILING: Mapping[str, Any] = {"inject": [["false"]]}
"""The injection fails when the fault's own commands are done."""

MAY_END = "/run/the-injections-may-end"
"""A file of the host."""

UNFINISHED: Mapping[str, Any] = {
    "inject": [["sh", "-c", f"until [ -e {MAY_END} ]; do sleep 0.2; done"]],
    "hold": {"start_timeout": 600},
}
"""The injection goes on when the fault is there, until the host has a file."""

_NEVER = {"ansible.builtin.debug": {"msg": ""}, "until": False, "retries": 300, "delay": 1}
LINGERING: Mapping[str, Any] = {"tasks": [{"name": "Go on", **_NEVER}]}
"""The run goes on when the fault is there, on this machine alone."""


def playbooks(copy: Path, more: Mapping[str, Any]) -> Path:
    """Make the copy and return it.

    Args:
        copy: the directory that is made.
        more: commands behind those of every ``inject``, other options of the hold, tasks at the end of each play.
    """
    shutil.copytree(resources.playbooks_dir(), copy)
    for path in copy.glob("*.yml"):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if isinstance(content, list):  # no contract
            for play in content:
                _add(play, more)
            path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return copy


def _add(play: dict[str, Any], more: Mapping[str, Any]) -> None:
    holds = [task["osf_hold"] for task in play["tasks"] if "osf_hold" in task]
    for hold in holds:
        hold["inject"] = _behind(hold["inject"], list(more.get("inject", ())))
        hold |= more.get("hold", {})
    if holds:
        play["tasks"] += more.get("tasks", ())


def _behind(commands: list[Any] | str, more: list[Any]) -> list[Any] | str:
    """Return commands, or the template that makes them, with more behind them."""
    if isinstance(commands, list):
        return commands + more
    made = commands.strip().removeprefix("{{").removesuffix("}}")
    return f"{{{{ ({made}) + {json.dumps(more)} }}}}"
