"""What every module of ours is: an `AnsibleModule` that keeps its arguments to itself, with bounds for what is long."""

from __future__ import annotations

from typing import Any, Mapping, NoReturn

from ansible.module_utils.os_faults.host import clock, text
from ansible.module_utils.basic import AnsibleModule

_SECONDS = (0, clock.LONGEST)
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "at": (0, clock.LAST),
    "port": (1, 65535),
    "start_timeout": (1, clock.LONGEST),  # the program timeout takes 0 for no bound
    "undo_timeout": (1, clock.LONGEST),
}
"""The least and the most that an option with a number may be, where it is not any number of seconds."""


class Module(AnsibleModule):
    """A running module; see `AnsibleModule`.

    Its arguments have commands and scripts in them, which may hold secrets, and the log of a host is read by many. So
    only its name is logged there.

    Args:
        argument_spec: see `AnsibleModule`. A number is refused when it is beyond its bounds, or no number at all.
        more: see `AnsibleModule`.
    """

    def __init__(self, argument_spec: Mapping[str, Mapping[str, Any]], **more: Any) -> None:
        super().__init__(argument_spec, **more)
        for name, about in argument_spec.items():
            value = self.params.get(name)
            least, most = _BOUNDS.get(name, _SECONDS)
            if about.get("type") in ("int", "float") and value is not None and not least <= value <= most:
                self.fail_json(msg=f"{name} must be a number from {least:.0f} to {most:.0f}")

    def log(self, msg: str, log_args: Any = None) -> None:
        """Leave a line in the host's log that the module was run.

        Args:
            msg: what Ansible would log. It holds the arguments, so it is dropped.
            log_args: the same in parts.
        """
        super().log("Invoked")

    def exit_json(self, **answer: Any) -> NoReturn:
        """End with an answer; see `text.tidy`."""
        super().exit_json(**text.tidy(answer))

    def fail_json(self, msg: str, **answer: Any) -> NoReturn:
        """End with a failure; see `text.tidy`.

        Args:
            msg: why, in a sentence.
            answer: what else to tell.
        """
        super().fail_json(**text.tidy(dict(answer, msg=msg)))
