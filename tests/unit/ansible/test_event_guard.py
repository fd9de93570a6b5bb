"""Events that were written and whose marks never came: a host has hidden them, or the run was stopped before."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from os_faults.ansible.event_guard import guarded


class Runner:
    """Has only what the guard needs of ansible-runner's."""

    def __init__(self, directory: Path, status: str, rc: int | None) -> None:
        self.config = SimpleNamespace(artifact_dir=str(directory))
        self.status = status
        self.rc = rc
        self.seen: list[Any] = []

    def event_callback(self, event: dict[str, Any]) -> None:
        self.seen.append(event)

    def run(self) -> tuple[str, int | None]:
        return self.status, self.rc


@pytest.mark.parametrize(
    ("status", "rc", "accused"),
    [("successful", 0, True), ("failed", 2, True), ("failed", None, False), ("canceled", 254, False)],
)
def test_a_run_that_was_stopped_accuses_nobody(
    status: str, rc: int | None, accused: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    module = ModuleType("runner")
    module.__dict__.update(Runner=Runner, OutputEventFilter=object)
    uuid = "0" * 36
    (tmp_path / "job_events").mkdir()
    (tmp_path / "job_events" / f"{uuid}-partial.json").write_text(json.dumps({"created": "now"}), encoding="utf-8")
    run = guarded(module)(tmp_path, status, rc)
    run.run()
    assert [event["uuid"] for event in run.seen] == [uuid], "the event is lost"
    assert ("tried to speak for other hosts" in caplog.text) == accused
