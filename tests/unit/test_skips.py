"""A test that is skipped in CI has failed, unless it is listed why no machine of CI has to do it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from support import skips

LISTED = next(iter(skips.RIGHT_IN_CI))


def report(reason: str, **more: Any) -> SimpleNamespace:
    """Return a report of pytest about a test that was skipped."""
    return SimpleNamespace(outcome="skipped", skipped=True, longrepr=("test_it.py", 1, f"Skipped: {reason}"), **more)


@pytest.mark.parametrize(
    ("environ", "skipped", "outcome"),
    [
        ({"CI": "true"}, report("sshd is missing"), "failed"),
        ({"CI": "true"}, report(f"{LISTED}, and more"), "skipped"),
        ({"CI": "true"}, report("it fails", wasxfail="it fails"), "skipped"),
        ({"CI": ""}, report("sshd is missing"), "skipped"),
    ],
    ids=["not listed", "listed", "expected to fail", "not in CI"],
)
def test_what_is_skipped_in_ci_has_failed(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], skipped: SimpleNamespace, outcome: str
) -> None:
    monkeypatch.setenv("CI", environ["CI"])
    skips.judge(skipped)
    assert skipped.outcome == outcome
    assert "sshd is missing" in str(skipped.longrepr) or outcome == "skipped"
