"""What a hold is made of, without making one: pure decisions, and scripts that any POSIX shell reads alike."""

from __future__ import annotations

import doctest
import subprocess
import time
from pathlib import Path

import pytest
from ansible.module_utils.os_faults.hold import carriers, files, identity, output, start_time, store
from ansible.module_utils.os_faults.hold import plan as plans
from ansible.module_utils.os_faults.hold import scripts as hold_scripts
from ansible.module_utils.os_faults.host import clock, session

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


def written(directory: Path, **changes) -> Path:
    """Write the scripts of a hold into a directory below another, and return it."""
    hold = directory / "holds" / "freeze-web"
    hold.mkdir(parents=True)
    (hold / "out.sh").write_text("true\n")
    (hold / "state").write_text("armed\n")
    texts = hold_scripts.scripts(a_plan(**changes), str(hold), str(hold.parent), "", "")
    for name, text in texts.items():
        (hold / name).write_text(text)
    return hold


def test_a_note_that_is_written_during_the_undo_leaves_nothing(tmp_path):
    hold = written(tmp_path)
    for number in range(500):
        (hold / f"file{number}").touch()
    notes = "end=$(($(date +%s%N) + 500000000)); while [ $(date +%s%N) -lt $end ]; do echo >seen.new; done"
    with subprocess.Popen(["sh", "-c", notes], cwd=hold, stderr=subprocess.DEVNULL):
        done = subprocess.run(["sh", hold / "undo.sh"], check=False)
        assert done.returncode == 0
        assert not hold.exists()


def test_looks_follow_each_other_and_do_not_put_the_end_off(tmp_path):
    """A look that takes longer than the time between two."""
    look = ["sh", "-c", "echo + >>looks; sleep 2; echo - >>looks"]
    hold = written(tmp_path, look=[look])
    (hold / "state").write_text("injected\n")
    waits = (hold / "wait.sh").read_text().replace("longest=500", "longest=50")
    assert "longest=50\n" in waits
    (hold / "wait.sh").write_text(waits)
    (hold / "deadline").write_text(f"{int(clock.uptime()) + 5}\n0\n")
    begun = time.monotonic()
    subprocess.run(["sh", hold / "wait.sh"], check=True)
    assert time.monotonic() - begun < 8
    looks = (hold / "looks").read_text().split()
    assert len(looks) > 1
    assert looks == ["+", "-"] * (len(looks) // 2) + ["+"] * (len(looks) % 2)


def test_an_end_that_is_moved_while_the_injection_goes_on_stays_moved(tmp_path):
    hold = written(tmp_path, inject=[["sleep", "0.5"]])
    (hold / "lasts").write_text("6000\n")
    (hold / "record.json").write_text('{"id": "freeze-web"}')
    (hold / "deadline").write_text(plans.deadline_line(clock.now() + 60, clock.now(), clock.uptime()))
    with subprocess.Popen(["sh", hold / "inject.sh"]):
        files.set_end(store.Hold(str(hold), {"id": "freeze-web"}), clock.now() + 600)
    assert (hold / "state").read_text() == "injected\n"
    assert int((hold / "deadline").read_text().split()[0]) == pytest.approx(clock.uptime() + 600, abs=10)


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
