"""Ansible that is loaded once for all runs of one environment; to load it is two thirds of a run's CPU time."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from os_faults import resources
from os_faults.ansible.warm import WarmStart

#: Tests seldom go back and forth between more than two environments, each with modules of two forms.
_KEPT = 4
#: What pytest changes for every test, and ansible-runner for every run.
_PASSING = frozenset({"PYTEST_CURRENT_TEST", "AWX_ISOLATED_DATA_DIR"})


class ReadyAnsible:
    """Keeps the processes that runs are forked from.

    Args:
        directory: an empty directory of a short path, for their sockets.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._nothing = directory / "no-modules"
        self._nothing.mkdir()
        self._ours = resources.modules_dir(), resources.module_utils_dir()
        self._begun = 0
        self._turn = threading.Lock()  # runs may begin at the same time
        self._warm: dict[tuple[bool, frozenset[tuple[str, str]]], WarmStart] = {}

    def before(self, env: Mapping[str, str], *, packed: bool = True) -> dict[str, str]:
        """Return the environment of a run with what stands for ``ansible-playbook`` in its PATH.

        Args:
            env: the environment that the run would have without.
            packed: whether our modules are sent to a host in packed form, as by os_faults, or as by bare Ansible.
        """
        key = packed, frozenset((name, value) for name, value in env.items() if name not in _PASSING)
        with self._turn:
            warm = self._warm[key] = self._warm.pop(key, None) or self._another(packed)
            while len(self._warm) > _KEPT:
                self._warm.pop(next(iter(self._warm))).close()
        return warm.before({name: value for name, value in env.items() if name != "PYTEST_CURRENT_TEST"})

    def close(self) -> None:
        """End the processes."""
        for warm in self._warm.values():
            warm.close()

    def _another(self, packed: bool) -> WarmStart:
        self._begun += 1
        modules = self._ours if packed else (self._nothing, self._nothing)
        return WarmStart(self._directory / str(self._begun), modules, resources.playbooks_dir())
