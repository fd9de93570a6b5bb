"""The end of a process on a terminal, without a wait for what has ended already."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any


def end_promptly(module: ModuleType) -> None:
    """Let a module that uses pexpect not sleep a tenth of a second after a process that has ended.

    pexpect sleeps that long whenever it closes a terminal, for the process to notice. For a short run of ansible-runner
    that is a third of its time, and ansible-runner has no setting for it. Only the name ``pexpect`` in that one module
    is changed, and nothing about a process that still lives.

    Args:
        module: it has imported pexpect; safe to repeat.
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
