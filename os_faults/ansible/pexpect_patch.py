"""Keeps pexpect from sleeping 0.1 s after a process that has already exited."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any


def end_promptly(module: ModuleType) -> None:
    """Keep pexpect in one module from sleeping 0.1 s after a process that has exited; safe to repeat.

    pexpect sleeps when it closes a terminal, so that the process can notice it. That is a third of the time of a short
    run, and ansible-runner has no setting for it. Only the name ``pexpect`` in that one module is replaced; running
    processes are treated as before.

    Args:
        module: a module that has imported pexpect.
    """
    pexpect: Any = vars(module)["pexpect"]
    if isinstance(pexpect, SimpleNamespace):
        return

    class Spawn(pexpect.spawn):  # type: ignore[misc]  # pexpect has no types
        def close(self, force: bool = True) -> Any:
            if self.ptyproc is not None and not self.isalive():
                self.ptyproc.delayafterclose = 0
            return super().close(force)

    vars(module)["pexpect"] = SimpleNamespace(**{**vars(pexpect), "spawn": Spawn})
