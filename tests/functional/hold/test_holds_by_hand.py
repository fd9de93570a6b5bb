"""What `osf_hold` makes of commands that say, fail, take too long or are not plain."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.held_service import directory_of
from support.ready_ansible import ReadyAnsible

from os_faults import resources

pytestmark = [pytest.mark.functional, pytest.mark.usefixtures("runtime_directory")]


@pytest.fixture
def hold(tmp_path: Path, ready_ansible: ReadyAnsible):
    """Run the module osf_hold alone, or with its action plugin, with these options, and return its answer."""

    def run(plugin: bool = False, **options: Any) -> dict[str, Any]:
        book = tmp_path / "hold.yml"
        task = {"osf_hold": {"fault": "test", "subject": tmp_path.name, "seconds": "60", **options}}
        book.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
        done = subprocess.run(
            ["ansible-playbook", "-i", "localhost,", "-c", "local", str(book)],
            env=ready_ansible.before(
                {
                    **os.environ,
                    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                    "ANSIBLE_LIBRARY": str(resources.modules_dir()),
                    "ANSIBLE_MODULE_UTILS": str(resources.modules_dir() / "module_utils"),
                    **({"ANSIBLE_ACTION_PLUGINS": str(resources.playbooks_dir() / "action_plugins")} if plugin else {}),
                    "ANSIBLE_STDOUT_CALLBACK": "minimal",
                    "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
                    "ANSIBLE_NOCOLOR": "1",
                }
            ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "[WARNING]" not in done.stdout + done.stderr, done.stderr
        status, _, answer = done.stdout.partition("=> ")
        return {**json.loads(answer), "failed": "FAILED" in status}

    return run


@pytest.mark.each_line
def test_what_the_scripts_say_comes_back(hold, tmp_path):
    script = "echo note: mind the gap; echo fact: depth=3; echo something else; touch done"
    answer = hold(inject=[["sh", "in.sh"]], undo=[["rm", "-f", "done"]], files={"in.sh": script})
    assert answer["notes"] == ["mind the gap"]
    assert answer["facts"] == {"depth": "3"}
    assert hold(state="injected")["state"] == "injected"
    assert hold(state="absent")["changed"]
    assert hold(state="injected")["state"] == "absent"


def test_an_injection_that_fails_half_way_is_taken_back(hold, tmp_path):
    mark = tmp_path / "mark"
    script = f"touch {mark}; echo starting >&2; echo no luck today >&2; exit 4"
    answer = hold(inject=[["sh", "in.sh"]], undo=[["rm", "-f", str(mark)]], files={"in.sh": script})
    assert answer["failed"]
    assert answer["msg"] == "no luck today"
    assert not answer["refused"]
    assert not mark.exists()
    assert directory_of(answer["id"]) is None


def test_an_injection_that_fails_and_can_not_be_taken_back_says_so(hold, tmp_path):
    answer = hold(inject=[["false"]], undo=[["sh", "-c", "test -e ../please"]])
    assert answer["undo_failed"]
    directory = directory_of(answer["id"])
    (directory.parent / "please").touch()
    assert hold(state="absent")["changed"]
    (directory.parent / "please").unlink()


def test_a_host_that_is_not_cut_off_is_asked_for_the_fault(hold):
    made = hold(inject=[["true"]], undo=[["true"]])
    answer = hold(plugin=True, state="injected", cuts_path=True)
    assert (answer["failed"], answer["state"], answer["changed"]) == (False, "injected", True)
    (directory_of(made["id"]) / "state").write_text("undo_failed\n")
    answer = hold(plugin=True, state="injected", cuts_path=True)
    assert answer["failed"]
    assert f"{made['id']} is not in place but undo_failed" in answer["msg"]
    assert hold(state="absent")["changed"]


NO_TIMES: dict[str, dict[str, Any]] = {
    "no number": {"undo_timeout": "nan"},
    "a long time": {"undo_timeout": 10**18},
    "more than a float": {"start_timeout": 10**400},
    "no start time": {"at": "nan"},
    "an endless start time": {"at": "inf"},
    "the start time of a cut": {"plugin": True, "state": "injected", "cuts_path": True, "at": "inf"},
    "a word for one": {"plugin": True, "state": "injected", "cuts_path": True, "at": "soon"},
}


@pytest.mark.parametrize("options", NO_TIMES.values(), ids=NO_TIMES)
def test_what_is_no_time_is_refused_by_its_name(hold, options):
    answer = hold(**{"inject": [["true"]], "undo": [["true"]], **options})
    assert answer["failed"]
    assert next(name for name in ("at", "start_timeout", "undo_timeout") if name in options) in answer["msg"]
    assert "exception" not in answer


@pytest.mark.each_line
def test_scripts_are_read_where_the_playbook_lies(hold, tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files/in.sh").write_text("echo fact: depth=3\n")
    options = {"inject": [["sh", "in.sh"]], "undo": [["true"]], "scripts": ["in.sh"]}
    assert "scripts are read by the action plugin of osf_hold" in hold(**options)["msg"]
    assert hold(plugin=True, **options)["facts"] == {"depth": "3"}
    assert hold(state="absent")["changed"]


# Its parent is `timeout`, whose parent is the undo script.
KILLED = "echo x >>{count}; [ $(wc -l <{count}) -gt {times} ] || kill -KILL $(cut -d ' ' -f 4 /proc/$PPID/stat)"


def test_an_undo_that_was_killed_is_begun_again(hold, tmp_path):
    """By the carrier, then by hand: the third time it comes to its end."""
    script = KILLED.format(count=tmp_path / "count", times=2)
    made = hold(inject=[["true"]], undo=[["sh", "out.sh"]], files={"out.sh": script})
    assert made["state"] == "injected"
    assert hold(state="absent")["changed"]
    assert (tmp_path / "count").read_text() == "x\n" * 3
    assert directory_of(made["id"]) is None


def test_an_undo_that_is_killed_again_and_again_is_told(hold, tmp_path):
    script = KILLED.format(count=tmp_path / "count", times=4)
    made = hold(inject=[["true"]], undo=[["sh", "out.sh"]], files={"out.sh": script})
    answer = hold(state="absent")
    assert answer["undo_failed"]
    assert "its undo ended with exit code -9 before it was done (see " in answer["msg"]
    assert directory_of(made["id"]).is_dir()
    assert hold(state="absent")["changed"]


def test_an_injection_that_takes_too_long_is_taken_back(hold, tmp_path):
    mark = tmp_path / "mark"
    answer = hold(inject=[["touch", str(mark)], ["sleep", "30"]], undo=[["rm", str(mark)]], start_timeout=1)
    assert answer["failed"]
    assert "did not end" in answer["msg"]
    assert not mark.exists()


def test_a_momentary_fault_leaves_nothing(hold, tmp_path):
    mark = tmp_path / "mark"
    answer = hold(inject=[["touch", str(mark)]], undo=[["rm", str(mark)]], momentary=True)
    assert answer["changed"]
    assert answer["state"] == "absent"
    assert not mark.exists()
    assert directory_of(answer["id"]) is None


@pytest.mark.each_line
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"id": "a;b", "undo": [["true"]]}, "the id 'a;b' is not plain"),
        ({"id": "../x", "undo": [["true"]]}, "the id '../x' is not plain"),
        ({"files": {"../x": ""}, "undo": [["true"]]}, "a hold can't have a file named '../x'"),
        ({"files": {"undo.sh": ""}, "undo": [["true"]]}, "a hold can't have a file named 'undo.sh'"),
        ({"targets": ["unit=$(reboot)"], "undo": [["true"]]}, "which is not a plain name"),
        ({"inject": [["true"]]}, "a hold without an undo is not allowed"),
    ],
)
def test_what_is_not_plain_is_refused(hold, options, message):
    answer = hold(**options)
    assert answer["failed"]
    assert message in answer["msg"]
