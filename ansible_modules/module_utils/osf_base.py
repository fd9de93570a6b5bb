"""What every module of ours is: an `AnsibleModule` that keeps its arguments to itself and bounds its answers."""

from __future__ import annotations

from typing import Any, NoReturn

from ansible.module_utils import osf_text
from ansible.module_utils.basic import AnsibleModule


class Module(AnsibleModule):
    """A running module; see `AnsibleModule`.

    Its arguments have commands and scripts in them, which may hold secrets, and the log of a host is read by many. So
    only its name is logged there.
    """

    def log(self, msg: str, log_args: Any = None) -> None:
        """Leave a line in the host's log that the module was run.

        Args:
            msg: what Ansible would log. It holds the arguments, so it is dropped.
            log_args: the same in parts.
        """
        super().log("Invoked")

    def exit_json(self, **answer: Any) -> NoReturn:
        """End with an answer; see `osf_text.tidy`."""
        super().exit_json(**osf_text.tidy(answer))

    def fail_json(self, msg: str, **answer: Any) -> NoReturn:
        """End with a failure; see `osf_text.tidy`.

        Args:
            msg: why, in a sentence.
            answer: what else to tell.
        """
        super().fail_json(**osf_text.tidy(dict(answer, msg=msg)))
