"""What a hold is made of, without making one: pure decisions, and scripts that any POSIX shell reads alike."""

from __future__ import annotations

import doctest
import subprocess
from pathlib import Path

import pytest
from ansible.module_utils.os_faults.hold import carriers, identity, output, start_time
from ansible.module_utils.os_faults.hold import plan as plans
from ansible.module_utils.os_faults.hold import scripts as hold_scripts
from ansible.module_utils.os_faults.host import session

from os_faults import resources

pytestmark = pytest.mark.functional

SCRIPTS = sorted((resources.playbooks_dir() / "files").rglob("*.sh"))


def a_plan(**changes) -> plans.Plan:
    plan = plans.Plan(
        id="freeze-web",
        fault="freeze",
        subject="web",
        seconds=60,
        inject=[["sh", "in.sh"], ["echo", "a word; and 'more'"]],
        undo=[["sh", "out.sh"]],
        files={"in.sh": "true\n", "out.sh": "true\n"},
        targets=["unit=web.service", "port=tcp/80"],
        undo_timeout=30,
        start_timeout=20,
        by="root@controller",
        look=[["sh", "look.sh", "at it"]],
    )
    return plan._replace(**changes)


@pytest.mark.parametrize("tested", [identity, plans, output, carriers, start_time, session])
def test_the_examples_of_the_docstrings(tested):
    assert doctest.testmod(tested).failed == 0


def shellcheck(*scripts: Path) -> str:
    done = subprocess.run(["shellcheck", "--shell=sh", *map(str, scripts)], capture_output=True, text=True, check=False)
    return done.stdout


def test_the_scripts_of_the_faults_are_clean():
    assert len(SCRIPTS) > 8
    assert shellcheck(*SCRIPTS) == ""


@pytest.mark.parametrize("carrier", [carriers.Systemd, carriers.Watchdog])
@pytest.mark.parametrize("start", [None, start_time.StartTime(at=100.0, since=100.0, uptime=7.5)])
def test_the_scripts_of_every_hold_are_clean(tmp_path, carrier, start):
    files = []
    root, directory = "/run/os-faults", "/run/os-faults/freeze-web"
    by_hand, forget = carrier(None).by_hand("freeze-web", directory), carrier(None).forget("freeze-web")
    for name, text in hold_scripts.scripts(a_plan(start_time=start), directory, root, by_hand, forget).items():
        files.append(tmp_path / name)
        files[-1].write_text(text)
    assert len(files) == (6 if start else 5)
    assert shellcheck(*files) == ""


def test_commands_are_quoted_once():
    text = hold_scripts.scripts(a_plan(), "/run/os-faults/freeze-web", "/run/os-faults", "", "")["inject.sh"]
    assert """run echo 'a word; and '"'"'more'"'"''\n""" in text


@pytest.mark.parametrize("odd", ["a b", "a*", "$(touch evil)", "a;b", "-x"])
def test_an_undo_removes_its_own_directory_and_nothing_else(tmp_path, odd):
    root = tmp_path / odd / "os-faults"
    directory = root / "freeze-web"
    directory.mkdir(parents=True)
    decoys = [tmp_path / name / "kept" for name in ("a", "ab", "b", "a b")]
    for decoy in decoys:
        decoy.parent.mkdir(exist_ok=True)
        decoy.touch()
    (directory / "out.sh").write_text("true\n")
    for name, text in hold_scripts.scripts(a_plan(), str(directory), str(root), "", "").items():
        (directory / name).write_text(text)
    done = subprocess.run(["sh", "-c", 'sh "$1"', "sh", directory / "undo.sh"], cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert not directory.exists()
    assert all(decoy.exists() for decoy in decoys)
    assert not (tmp_path / "evil").exists()


def test_a_record_tells_format_and_end():
    record = plans.new_record(a_plan(), 1000.0, "boot", "systemd")
    assert (record["format"], record["since"], record["until"]) == (1, 1000.0, 1060.0)
    assert plans.new_record(a_plan(seconds=None), 1000.0, "boot", "systemd")["until"] is None


def test_targets_of_an_earlier_injection_are_kept():
    assert plans.merged_targets("unit=a\nunit=b\n", ["unit=b", "unit=c"]) == "unit=a\nunit=b\nunit=c\n"


def test_what_a_script_says_is_read_line_by_line():
    said = output.parse_said("note: one: two\nchanged: x\nfact: a=b=c\nnoise\nfact: bad\nexit: 3\n")
    assert said == output.Said(["one: two"], True, {"a": "b=c"}, 3)
    assert output.parse_said("") == output.Said([], False, {}, None)


@pytest.mark.parametrize("systemd", [True, False])
def test_the_readme_tells_how_to_heal_by_hand(systemd):
    text = hold_scripts.readme("/run/os-faults", systemd)
    assert "sh /run/os-faults/ID/undo.sh" in text
    assert ("systemctl stop 'os-faults-*'" in text) is systemd


@pytest.mark.parametrize("value", ["", "10.0.0.9 40000 10.0.0.1", "a b c d"])
def test_no_ssh_connection(value):
    assert session.parse_connection(value) is None
