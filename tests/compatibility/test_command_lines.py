"""Cases H: the two command lines."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner, Result
from support.cloud_fixture import CONFIG, hosts

from os_faults import get_version
from os_faults.cli import inject_fault, main
from os_faults.cli.session import Session
from os_faults.config.state import state_dir
from os_faults.testing import FakeRunner

NAMES = [f"node-{number}.domain.tld" for number in (1, 2, 3)]


class Hosts:
    """Three hosts, and the commands in front of them."""

    def __init__(self, directory: Path) -> None:
        self.runner = FakeRunner(hosts())
        self.config = str(directory / "os-faults.json")
        Path(self.config).write_text(json.dumps(CONFIG))

    def call(self, command: click.Command, *words: str, **environ: str) -> Result:
        session = Session(parts={"runner": self.runner, "state": state_dir(os.environ)})
        return CliRunner(env=environ).invoke(command, words, obj=session, prog_name=str(command.name))

    @property
    def verbs(self) -> list[str]:
        return [action.verb for action in self.runner.performed if action.verb != "discover"]


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    monkeypatch.chdir(tmp_path)
    return Hosts(tmp_path)


@pytest.mark.case("H01")
def test_no_words(three: Hosts) -> None:
    done = three.call(inject_fault)
    assert done.exit_code == 0
    assert "Usage: os-inject-fault" in done.stdout


@pytest.mark.case("H02")
def test_verify_only(three: Hosts) -> None:
    done = three.call(inject_fault, "-c", three.config, "-v")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "can be reached and used" in done.stderr
    assert three.verbs == ["verify"]


@pytest.mark.case("H03")
def test_verify_and_inject(three: Hosts) -> None:
    assert three.call(inject_fault, "-c", three.config, "-v", "restart keystone service").exit_code == 0
    assert three.verbs == ["verify", "restart"]


@pytest.mark.case("H04")
def test_separate_words(three: Hosts) -> None:
    assert three.call(inject_fault, "-c", three.config, "restart", "keystone", "service").exit_code == 0
    assert three.verbs == ["restart"]


@pytest.mark.case("H06")
def test_version(three: Hosts) -> None:
    for command in (main, inject_fault):
        done = three.call(command, "--version")
        assert done.exit_code == 0
        assert get_version() in done.stdout


@pytest.mark.case("H07")
def test_verify(three: Hosts) -> None:
    assert three.call(main, "verify", "-c", three.config).exit_code == 0
    assert three.call(main, "verify", OS_FAULTS_CONFIG=three.config).exit_code == 0
    assert three.verbs == ["verify", "verify"]


@pytest.mark.case("H08")
def test_nodes(three: Hosts) -> None:
    done = three.call(main, "nodes", "-c", three.config)
    assert done.exit_code == 0
    told: list[dict[str, Any]] = yaml.safe_load(done.stdout)
    assert [(node["fqdn"], node["ip"], node["mac"]) for node in told] == [
        (name, f"10.0.0.{n}", f"52:54:00:00:00:0{n}") for n, name in enumerate(NAMES, 1)
    ]


@pytest.mark.case("H09")
def test_drivers(three: Hosts) -> None:
    told = yaml.safe_load(three.call(main, "drivers").stdout)
    assert told == sorted(told)
    assert {"devstack", "universal", "libvirt", "ipmi", "node_list", "process"} <= set(told)


@pytest.mark.case("H10")
def test_discover(three: Hosts) -> None:
    done = three.call(main, "discover", "-c", three.config, "out.yaml")
    assert (done.exit_code, done.stdout) == (0, "Saved out.yaml\n")
    three.runner.performed.clear()
    assert three.call(inject_fault, "-c", "out.yaml", f"reboot {NAMES[2]} node").exit_code == 0
    assert [node.fqdn for node in three.runner.performed[-1].nodes] == [NAMES[2]]


@pytest.mark.case("H11")
def test_a_file_that_is_missing(three: Hosts) -> None:
    for command, words in ((main, ["verify"]), (inject_fault, ["reboot nodes"])):
        done = three.call(command, *words, "-c", "missing.yaml")
        assert done.exit_code == 2
        assert "missing.yaml" in done.stderr
        assert "Traceback" not in done.stderr
