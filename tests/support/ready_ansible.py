"""Ansible that is loaded once for all runs of one environment; to load it is two thirds of a run's CPU time."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from os_faults import resources
from os_faults.ansible.warm import WarmStart

#: Tests seldom go back and forth between more environments than these.
_KEPT = 2
#: What pytest changes for every test, and ansible-runner for every run.
_PASSING = frozenset({"PYTEST_CURRENT_TEST", "AWX_ISOLATED_DATA_DIR"})


class ReadyAnsible:
    """Keeps the processes that runs are forked from.

    They send our modules to a host as bare Ansible does, not packed.

    Args:
        directory: an empty directory of a short path, for their sockets.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._nothing = directory / "no-modules"
        self._nothing.mkdir()
        self._begun = 0
        self._turn = threading.Lock()  # runs may begin at the same time
        self._warm: dict[frozenset[tuple[str, str]], WarmStart] = {}

    def before(self, env: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a run with what stands for ``ansible-playbook`` in its PATH.

        Args:
            env: the environment that the run would have without.
        """
        key = frozenset((name, value) for name, value in env.items() if name not in _PASSING)
        with self._turn:
            warm = self._warm[key] = self._warm.pop(key, None) or self._another()
            while len(self._warm) > _KEPT:
                self._warm.pop(next(iter(self._warm))).close()
        return warm.before({name: value for name, value in env.items() if name != "PYTEST_CURRENT_TEST"})

    def close(self) -> None:
        """End the processes."""
        for warm in self._warm.values():
            warm.close()

    def _another(self) -> WarmStart:
        self._begun += 1
        return WarmStart(self._directory / str(self._begun), (self._nothing, self._nothing), resources.playbooks_dir())
