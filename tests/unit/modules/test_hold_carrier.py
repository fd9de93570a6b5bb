"""What the carrier of a hold makes of an answer of systemd, and of none."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ansible.module_utils.os_faults.hold.carriers import Systemd

SILENT = ""


class Host:
    """A module on a host whose systemd answers one after the other, and goes on with the last."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)

    def run_command(self, _command: Sequence[str], **_options: object) -> tuple[int, str, str]:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return (0, answer, "") if answer else (1, "", "Failed to get properties: Transport endpoint is not connected")


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        (["ActiveState=active\n"], "active"),
        ([SILENT, SILENT, "ActiveState=activating\n"], "activating"),
        ([SILENT, "ActiveState=inactive\n"], "inactive"),
    ],
)
def test_a_systemd_that_executes_itself_anew_is_asked_again(answers: list[str], state: str) -> None:
    assert Systemd(Host(*answers)).state("os-faults-oom-memory.service") == state


@pytest.mark.parametrize(
    ("answer", "well"),
    [
        ("ActiveState=failed\nExecStopPost={ path=/bin/sh ; code=exited ; status=0 }\n", True),
        ("ActiveState=failed\nExecStopPost={ path=/bin/sh ; code=exited ; status=1 }\n", False),
        ("ActiveState=inactive\n", False),
    ],
)
def test_the_undo_that_a_unit_ran(answer: str, well: bool) -> None:
    assert Systemd(Host(SILENT, answer)).undo_went_well("os-faults-oom-memory.service") is well
