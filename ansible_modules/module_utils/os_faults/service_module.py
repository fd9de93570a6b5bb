"""What the modules that act on services have in common: options, the order of the steps, and the answer."""

from __future__ import annotations

import time
from typing import Any, Callable, Mapping, NoReturn

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.hold import owners
from ansible.module_utils.os_faults.host import supervisor
from ansible.module_utils.os_faults.module import Module

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "action": {"type": "str", "required": True, "choices": ["start", "terminate", "restart", "kill"]},
    "timeout": {"type": "int", "default": 300},
    "by": {"type": "str"},
    "force": {"type": "bool", "default": False},
}
"""The options that all of them take, beside those that say what is acted on."""


class Target:
    """A service on this host, and the only place where it is acted on.

    Attributes:
        module: the running module.
        deadline: when to give up, by ``time.monotonic()``.
        before: its processes before anything is done.
        notes: what to tell beside what an action tells.
    """

    def __init__(self, module: Module) -> None:
        self.module = module
        self.deadline = time.monotonic() + module.params["timeout"]
        self.before: list[int] = []
        self.notes: list[str] = []

    def pids(self) -> list[int]:
        """Return its processes as they are now."""
        raise NotImplementedError

    def answer(self, pids: list[int]) -> dict[str, Any]:
        """Return what the module tells of it: ``state``, ``units`` and more.

        Args:
            pids: its processes at the end.
        """
        raise NotImplementedError


def run(
    module: Module, look: Callable[[Module], Target], actions: Mapping[str, Callable[[Any], tuple[bool, list[str]]]]
) -> NoReturn:
    """Look at the service, do what the option ``action`` asks for, and end the module.

    Args:
        module: it has the `OPTIONS`.
        look: finds the service.
        actions: action → what does it to the `Target`, and returns whether it has changed anything, and notes.
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
