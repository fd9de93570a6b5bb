"""service_freeze.yml on a real process: it stops, stays stopped, and is refused where nothing runs."""

from __future__ import annotations

import json
import time

import pytest

pytestmark = [pytest.mark.functional, pytest.mark.usefixtures("runtime_directory")]


def test_freeze_stops_all_processes_until_unfreeze(freeze, listed, service):
    before = time.time()
    done = freeze(seconds=60)
    assert done.failures == {}
    assert done.result["changed"]
    assert (done.result["id"], done.result["state"]) == (service.hold, "injected")
    assert before < done.result["since"] < time.time()
    assert done.result["until"] == pytest.approx(done.result["since"] + 60)
    assert not done.result["cuts_path"]
    assert service.states == "TT"

    entry = listed()
    assert (entry["fault"], entry["subject"], entry["state"]) == ("freeze", service.name, "injected")
    assert entry["guarded"]
    directory = service.directory
    assert entry["directory"] == str(directory)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert json.loads((directory / "record.json").read_text())["format"] == 1
    assert (directory / "record.json").stat().st_mode & 0o777 == 0o600
    assert "undo.sh" in (directory.parent / "README").read_text()

    again = freeze("unfreeze")
    assert again.result["changed"]
    assert again.result["state"] == "absent"
    assert "T" not in service.states
    assert not directory.exists()

    nothing = freeze("unfreeze")
    assert not nothing.result["changed"]
    assert listed() is None


@pytest.mark.case("u09")
def test_a_playbook_takes_a_time_with_a_unit(freeze, service):
    done = freeze(seconds="1min")
    assert done.result["until"] == pytest.approx(done.result["since"] + 60)
    freeze("unfreeze")
    (refusal,) = freeze(seconds="soon").failures.values()
    assert refusal.startswith("value of seconds must be a duration such as 30, 30s, 2min or 1h30m")
    assert refusal.endswith("got: soon")
    assert service.states == "SS"


def test_a_frozen_service_that_is_about_to_go_on_stays_frozen(freeze, service):
    first = freeze(seconds=10)
    time.sleep(max(0, first.result["until"] - time.time() - 3))
    freeze(seconds=60)
    time.sleep(max(0, first.result["until"] - time.time() + 3))
    assert service.states == "TT"


def test_a_service_that_does_not_run_is_refused(freeze, service):
    service.pidfile.write_text("4194305\n")
    assert freeze().failures == {"here": f"{service.name} is not running on this host, so there is nothing to act on"}
    assert service.directory is None
