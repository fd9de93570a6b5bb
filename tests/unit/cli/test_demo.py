"""The parts of the demo: the probe measures what happened, and a step that is wrong is told and counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from os_faults.cli import main
from os_faults.demo import service, stage, story
from os_faults.demo.probe import Probe


@contextmanager
def web(port: int, pidfile: Path, owner: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the demo's web service."""
    program = [sys.executable, str(service.__file__), str(port), str(pidfile), str(owner)]
    with subprocess.Popen(program, stderr=subprocess.PIPE) as running:
        yield running
        running.kill()


@pytest.fixture
def port() -> int:
    (port,) = stage._free_ports(1)
    return port


@pytest.fixture
def probe(port: int) -> Iterator[Probe]:
    probe = Probe(port)
    probe.start()
    yield probe
    probe.stop()


def test_the_probe_measures_how_long_a_service_was_away(probe: Probe, port: int, tmp_path: Path) -> None:
    assert probe.wait(answering=False, seconds=10)
    with web(port, tmp_path / "pid", os.getpid()) as running:
        assert probe.wait(answering=True, seconds=20)
        assert int((tmp_path / "pid").read_text()) == running.pid
    begin = time.monotonic()
    assert probe.wait(answering=False, seconds=20)
    assert probe.stays_away(0.5)
    outage = probe.last(since=begin - 5)
    assert outage is not None
    assert outage.seconds is None, "it lasts"
    with web(port, tmp_path / "pid", os.getpid()):
        assert probe.wait(answering=True, seconds=20)
        whole = time.monotonic() - begin
        outage = probe.last(since=begin - 5)
        assert outage is not None
        assert outage.seconds is not None
        assert 0.5 < outage.seconds < whole + 0.5
        assert probe.last(since=time.monotonic()) is None


def test_the_service_ends_with_its_owner(port: int, tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "600"]) as owner, web(port, tmp_path / "pid", owner.pid) as running:
        owner.kill()
        owner.wait()
        assert running.wait(timeout=20) == 0


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 1)])
def test_the_exit_code_says_whether_all_was_as_it_should_be(
    monkeypatch: pytest.MonkeyPatch, ok: bool, code: int
) -> None:
    @contextmanager
    def nothing(**_settings: object) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(cloud=None)

    step = story.Step("kill; start", "web-1", "away until it is started", "came back", ok, 1.234, 2.5)
    monkeypatch.setattr(stage, "stage", nothing)
    monkeypatch.setattr(story, "steps", lambda _stage: iter([step]))
    done = CliRunner().invoke(main, ["demo", "--output", "json"], prog_name="os-faults")
    assert done.exit_code == code
    found = json.loads(done.stdout)
    assert (found["schema"], found["ok"]) == (1, ok)
    assert found["steps"] == [
        {
            "done": "kill; start",
            "service": "web-1",
            "should": "away until it is started",
            "seen": "came back",
            "ok": ok,
            "away": 1.23,
            "seconds": 2.5,
        }
    ]
    text = CliRunner().invoke(main, ["demo"], prog_name="os-faults")
    assert text.exit_code == code
    assert ("the demo is not as it should be: kill; start web-1" in text.stderr) is not ok


def test_what_is_wrong_is_shouted() -> None:
    seen = story._Seen()
    assert seen.that(True, "went silent", "went on answering")
    assert not seen.that(False, "answers again", "did not come back")
    assert (seen.words, seen.ok) == (["went silent", "DID NOT COME BACK"], False)
