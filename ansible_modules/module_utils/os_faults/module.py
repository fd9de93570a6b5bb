"""The base class of every module: an `AnsibleModule` that logs no arguments and bounds numbers and texts."""

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
"""Name of a number option → its bounds. Other number options are seconds."""


class Module(AnsibleModule):
    """A running module; see `AnsibleModule`.

    The arguments contain commands and scripts, which may contain secrets, and many people read the log of a host. So
    only the name of the module is logged.

    Args:
        argument_spec: see `AnsibleModule`. A number outside its bounds is refused.
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
        """Log on the host that the module was run.

        Args:
            msg: Ansible's line. It contains the arguments, so it is dropped.
            log_args: not used.
        """
        super().log("Invoked")

    def exit_json(self, **answer: Any) -> NoReturn:
        """End with an answer; see `text.tidy`."""
        super().exit_json(**text.tidy(answer))

    def fail_json(self, msg: str, **answer: Any) -> NoReturn:
        """End with a failure; see `text.tidy`.

        Args:
            msg: the reason, in a sentence.
            answer: other keys of the answer.
        """
        super().fail_json(**text.tidy(dict(answer, msg=msg)))
