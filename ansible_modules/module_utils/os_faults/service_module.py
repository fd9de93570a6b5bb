"""The common part of the modules for services and containers: options, order of the steps, answer."""

from __future__ import annotations

import signal
import time
from typing import Any, Callable, Mapping, NoReturn, Sequence

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.hold import owners
from ansible.module_utils.os_faults.host import proc, supervisor, text
from ansible.module_utils.os_faults.module import Module

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "action": {"type": "str", "required": True, "choices": ["start", "terminate", "restart", "kill"]},
    "timeout": {"type": "int", "default": 300},
    "by": {"type": "str"},
    "force": {"type": "bool", "default": False},
}
"""The common options, beside those that identify the target."""


class Target:
    """A service or container on this host. All changes to it are made here.

    Args:
        module: the running module.
        label: what it is called in sentences.

    Attributes:
        module: the running module.
        label: what it is called in sentences.
        deadline: end of the time for the action, by ``time.monotonic()``.
        before: its process ids before the action.
        notes: sentences for the answer, in addition to those of the action.
    """

    def __init__(self, module: Module, label: str) -> None:
        self.module, self.label = module, label
        self.deadline = time.monotonic() + module.params["timeout"]
        self.before: list[int] = []
        self.notes: list[str] = []

    def pids(self) -> list[int]:
        """Return its current process ids."""
        raise NotImplementedError

    def run(self, command: Sequence[str]) -> None:
        """Run a command within the remaining time.

        Raises:
            Failed: it failed; the message has the last line of its output.
        """
        limit = max(1, int(self.deadline - time.monotonic()))
        code, out, err = self.module.run_command(["timeout", str(limit), *command])
        if code:
            said = text.last_line(err) or text.last_line(out) or f"exit code {code:d}"
            why = f"it did not end within {limit:d} s" if code == 124 else said
            raise errors.Failed(f"{self.label}: '{' '.join(command)}' failed: {why}")

    def await_gone(
        self, victims: Sequence[proc.Process], what: str = "was killed", insist: bool = True, complaint: str = ""
    ) -> None:
        """Wait until each of some processes is gone.

        Args:
            victims: the processes.
            what: what was done to it, for the message.
            insist: whether live ones get SIGKILL again and again.
            complaint: the end of the message.

        Raises:
            Failed: one of them is there at the deadline.
        """
        left = proc.wait_gone(victims, self.deadline, signal.SIGKILL if insist else None)
        if left:
            raise errors.Failed(
                f"{self.label} {what}, but after {self.module.params['timeout']:d} s these processes "
                f"are still there: {', '.join(str(each.pid) for each in left)}{complaint}"
            )

    def answer(self, pids: list[int]) -> dict[str, Any]:
        """Return its part of the answer: ``state``, ``units`` and more.

        Args:
            pids: its process ids after the action.
        """
        raise NotImplementedError


def run(
    module: Module, look: Callable[[Module], Target], actions: Mapping[str, Callable[[Any], tuple[bool, list[str]]]]
) -> NoReturn:
    """Find the target, do the action of the option ``action``, and end the module.

    Args:
        module: the running module, with the `OPTIONS`.
        look: returns the target.
        actions: action → a function of the target that does it, and returns whether anything changed, and notes.
    """
    action = module.params["action"]
    try:
        target = look(module)
        if action != "start":
            owners.refuse_others(module.params["by"], module.params["force"])
        target.before = target.pids()
        if not module.check_mode:
            supervisor.acting()
        changed, notes = actions[action](target)
        after = target.before if module.check_mode else target.pids()
        told = target.answer(after)
    except errors.HostError as error:
        module.fail_json(msg=str(error))
    notes = [*notes, *target.notes]
    module.exit_json(changed=changed, pids_before=target.before, pids_after=after, notes=notes, **told)
