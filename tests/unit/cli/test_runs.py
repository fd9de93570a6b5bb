"""``os-faults runs``: earlier runs are listed, shown and removed; nothing else in their directory is touched."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.cloud_fixture import CONFIG

import os_faults
from os_faults.cli import main
from os_faults.cli.output import Output
from os_faults.model import Action

pytestmark = pytest.mark.usefixtures("state_home")


def kept(base: Path, age: timedelta, verb: str, /, **record: object) -> str:
    """Leave the directory of a run, and return its name."""
    name = f"{(datetime.now(UTC) - age).strftime('%Y%m%dT%H%M%S')}-{verb}-0a1b2c"
    (base / name).mkdir(parents=True)
    if record:
        (base / name / "os_faults.json").write_text(json.dumps(record))
    return name


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def runs(base: Path) -> list[str]:
    """Leave three runs: an old one, one that failed, and one that has just begun."""
    record = {"verb": "freeze", "subject": "keystone service", "status": "failed", "nodes": ["n1"], "seconds": 1.5}
    results = {"n10": {"status": "ok"}, "n2": {"status": "failed", "message": "it hung\x1b[2J"}}
    return [
        kept(base, timedelta(days=9), "reboot", verb="reboot", subject="nodes", status="done", nodes=["n1", "n2"]),
        kept(base, timedelta(days=1), "freeze", **record, results=results),
        kept(base, timedelta(0), "kill"),
    ]


def call(base: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["runs", *words, "--artifacts-dir", str(base)])


@pytest.mark.case("u19")
def test_runs_are_listed(base: Path, runs: list[str]) -> None:
    head, *rows = call(base, "list").stdout.splitlines()
    assert head.split() == ["RUN", "ACTION", "STATUS", "NODES", "SECONDS"]
    assert [row.split()[0] for row in rows] == runs
    assert [row["status"] for row in json.loads(call(base, "list", "--output", "json").stdout)["runs"]] == [
        "done", "failed", "no record",
    ]  # fmt: skip


@pytest.mark.case("u19")
def test_a_run_is_shown(base: Path, runs: list[str]) -> None:
    shown = call(base, "show", runs[1][:20]).stdout
    assert "freeze keystone service" in shown
    assert str(base / runs[1]) in shown
    assert "\x1b" not in shown
    assert shown.index("n2 ") < shown.index("n10 ")
    assert json.loads(call(base, "show", "last", "--output", "json").stdout)["run"]["run"] == runs[-1]
    done = call(base, "show", "2")
    assert done.exit_code == 2


@pytest.mark.case("u19")
def test_a_run_is_shown_with_the_output_of_ansible_playbook(base: Path, runs: list[str]) -> None:
    said = base / runs[1] / "artifacts" / "run" / "stdout"
    said.parent.mkdir(parents=True)
    said.write_text("\n\x1b[0;31mfatal: [n2]: FAILED!\x1b[0m\nevil \x1b]0;title\x07\n")
    shown = call(base, "show", runs[1]).stdout
    assert shown.endswith("\n\nfatal: [n2]: FAILED!\nevil \\x1b]0;title\\x07\n")
    document = json.loads(call(base, "show", runs[1], "--output", "json").stdout)
    assert document["output"].splitlines()[1] == "fatal: [n2]: FAILED!"
    assert document["record"] == json.loads((base / runs[1] / "os_faults.json").read_text())
    assert (document["schema"], document["run"]["nodes"], document["record"]["nodes"]) == (1, 1, ["n1"])
    last = call(base, "show", "last")
    assert last.stderr == "no output of ansible-playbook\n"
    assert json.loads(call(base, "show", "last", "--output", "json").stdout)["output"] is None


@pytest.mark.case("u19")
def test_old_runs_are_removed_and_nothing_else(base: Path, runs: list[str], tmp_path: Path) -> None:
    mine = base / "20200101T000000-notes"
    mine.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = base / "20200101T000000-kill-0a1b2c"
    link.symlink_to(elsewhere)
    assert runs[0] in call(base, "prune", "--dry-run").stdout
    assert (base / runs[0]).exists()
    assert call(base, "prune").exit_code == 0
    assert sorted(path.name for path in base.iterdir()) == sorted([*runs[1:], mine.name, link.name])
    assert elsewhere.exists()
    assert call(base, "prune", "--older", "12h").stdout.split() == [runs[1]]
    assert call(base, "prune", "--older", "soon").exit_code == 2


@pytest.mark.case("u19")
def test_without_runs_there_is_nothing(tmp_path: Path) -> None:
    assert call(tmp_path / "none", "list").exit_code == 0
    assert call(tmp_path / "none", "prune").exit_code == 0


def test_a_wrong_configuration_is_told_and_none_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["runs", "list"]).exit_code == 0
    (tmp_path / "os-faults.json").write_text(json.dumps({"artifacts_dir": "mine", "nonsense": 1}))
    done = CliRunner().invoke(main, ["runs", "list"])
    assert done.exit_code == 2
    assert "nonsense" in done.stderr
    (tmp_path / "os-faults.json").write_text(json.dumps({**CONFIG, "artifacts_dir": "mine"}))
    run = kept(tmp_path / "mine", timedelta(0), "kill")
    assert run in CliRunner().invoke(main, ["runs", "list"]).stdout
    both = CliRunner().invoke(main, ["runs", "list", "--config", "os-faults.json", "--cloud", "mine"])
    assert both.exit_code == 2
    assert "exclude each other" in both.stderr


@pytest.mark.case("u19")
def test_a_failure_says_where_its_run_is(capsys: pytest.CaptureFixture[str]) -> None:
    action = Action("restart", "service_state.yml", ())
    result = os_faults.Result(action, {}, artifacts="/runs/20200101T000000-restart-0a1b2c")
    Output("text").error(os_faults.AnsibleExecutionException("restart failed", result))
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"is in {result.artifacts}")
