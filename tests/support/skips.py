"""In CI a test that is skipped shows nothing, and nobody sees that: it fails there, but for what is listed here."""

from __future__ import annotations

import os
from typing import Any

#: Start of the reason for which a test is skipped → why no machine of CI has to do it.
RIGHT_IN_CI = {
    "this kernel has no netem": "CI's machine has a kernel without it; tests/hosts shows netem in a guest",
    "this machine has systemd": "a fault that nothing can undo is refused only without it; tests/hosts has it",
}


def judge(report: Any) -> None:
    """Turn a report of something that was skipped into that of a failure, in CI, unless its reason is listed.

    Args:
        report: of pytest, about a test or about a file of tests.
    """
    if not os.environ.get("CI") or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2]).removeprefix("Skipped: ")
    if not reason.startswith(tuple(RIGHT_IN_CI)):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where everything is to be tested: {reason}"
