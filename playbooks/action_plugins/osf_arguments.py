# SPDX-License-Identifier: Apache-2.0
"""`osf_arguments`: refuses an extra variable that is a misspelt option, and warns about one that no playbook uses.

It runs on the controller only. Ansible itself accepts every extra variable. A misspelt option would be ignored, and its
default used.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

PLAYBOOKS = Path(__file__).resolve().parent.parent
INVENTORY = (
    *("os_faults_hosts", "os_faults_cloud", "os_faults_services", "os_faults_containers", "os_faults_networks"),
    *("os_faults_power", "os_faults_by", "os_faults_patience", "os_faults_service", "os_faults_definition"),
    *("os_faults_driver", "os_faults_start_time"),
)
"""Our variables that are no options. An inventory can set them as well."""

SHORT = 3
"""The shortest abbreviation, in letters."""


class ActionModule(ActionBase):
    """Compares the extra variables of the run with the options of a contract."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return a failure for a misspelt option, and warnings for variables that no playbook uses."""
        super().run(tmp, task_vars)
        options = [*self._task.args["options"], "at"]
        given = load_extra_vars(self._loader)
        unknown = [name for name in given if name not in options and name not in INVENTORY]
        strange = sorted(set(unknown) - self._options_of_others()) if unknown else []
        words = [_sentence(name, self._task.args["contract"], options) for name in strange]
        misspelt = [sentence for sentence, near in words if near]
        if misspelt:
            return {"failed": True, "msg": "; ".join(misspelt) + "; nothing was done"}
        return {"changed": False, "warnings": [sentence for sentence, _ in words if sentence]}

    def _options_of_others(self) -> set[str]:
        """Return the options of all bundled playbooks: one run of several playbooks has extra variables for each."""
        found: set[str] = set()
        for path in PLAYBOOKS.glob("*.meta.yml"):
            (spec,) = self._loader.load_from_file(str(path))["argument_specs"].values()
            found.update(spec["options"])
        return found


def _sentence(name: str, contract: str, options: Collection[str]) -> tuple[str, bool]:
    """Return a sentence about an extra variable that is no option, and whether it is a misspelt one."""
    near = _nearest(name, [*options, *INVENTORY])
    if near:
        return f"{name} is no option of {contract}; did you mean {near}?", True
    if name.startswith("ansible_"):
        return "", False
    return (
        f"{name} is no option of {contract}, so it does nothing here; its options: {', '.join(sorted(options))}",
        False,
    )


def _nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that a misspelt or shortened one stands for; None when there is none.

    >>> _nearest("secs", ["seconds", "service"]), _nearest("team", ["seconds", "service"])
    ('seconds', None)
    """
    names = sorted(known)
    close = difflib.get_close_matches(name.lower().replace("-", "_"), names, n=1, cutoff=0.7)
    stem = name.rstrip("s")
    shortened = [
        each for each in names if len(stem) >= SHORT and each.startswith(stem) and each[len(stem) :][:1] != "_"
    ]
    return next(iter([*close, *shortened]), None)
