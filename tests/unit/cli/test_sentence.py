"""``os-inject-fault``: the command line of sentences, as callers of older versions write it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.cloud_fixture import CONFIG, hosts

from os_faults.cli import inject_fault
from os_faults.cli.session import Session
from os_faults.config.state import state_dir
from os_faults.testing import FakeRunner

pytestmark = pytest.mark.usefixtures("state_home")


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner(hosts())


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / "os-faults.json").write_text(json.dumps(CONFIG))
    return str(tmp_path / "os-faults.json")


def call(runner: FakeRunner, *words: str) -> Result:
    session = Session(parts={"runner": runner, "state": state_dir(os.environ)})
    return CliRunner().invoke(inject_fault, words, obj=session, prog_name="os-inject-fault")


def verbs(runner: FakeRunner) -> list[str]:
    return [action.verb for action in runner.performed if action.verb != "discover"]


def test_without_words_there_is_help(runner: FakeRunner) -> None:
    done = call(runner)
    assert done.exit_code == 0
    for word in ("SENTENCE", "skew_clock", "unplug", "devstack", "libvirt", "keystone"):
        assert word in done.stdout
    assert call(runner, "-h").stdout == done.stdout


@pytest.mark.parametrize("words", [["restart", "keystone", "service"], ["restart keystone service"]])
def test_a_sentence(runner: FakeRunner, config: str, words: list[str]) -> None:
    done = call(runner, "-c", config, *words)
    assert done.exit_code == 0, done.stderr
    assert verbs(runner) == ["restart"]
    assert "node-1.domain.tld" in done.stdout


def test_verify_alone_and_before_a_sentence(runner: FakeRunner, config: str) -> None:
    done = call(runner, "-c", config, "-v")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "can be reached" in done.stderr
    assert call(runner, "-v", "-c", config, "reboot", "one", "node").exit_code == 0
    assert verbs(runner) == ["verify", "verify", "reboot"]


def test_debug(runner: FakeRunner, config: str) -> None:
    assert "restart keystone service" in call(runner, "-d", "-c", config, "restart keystone service").stderr


def test_the_option_of_every_command(runner: FakeRunner, config: str) -> None:
    done = call(runner, "-c", config, "restart keystone service", "--output", "json")
    assert json.loads(done.stdout)["verb"] == "restart"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["restart", "keystone"], 2, "is not understood"),
        (["restart keystne service"], 2, "did you mean 'keystone'"),
        (["--wrong", "reboot nodes"], 2, "--wrong"),
        (["-c", "/no/such/file", "reboot nodes"], 2, "/no/such/file"),
    ],
)
def test_what_goes_wrong_is_one_line(runner: FakeRunner, config: str, words: list[str], code: int, said: str) -> None:
    done = call(runner, "-c", config, *words)
    assert done.exit_code == code
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert verbs(runner) == []


def test_no_configuration(runner: FakeRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("OS_FAULTS_CONFIG", raising=False)
    done = call(runner, "reboot nodes")
    assert done.exit_code == 2
    assert "os-faults.yaml" in done.stderr
