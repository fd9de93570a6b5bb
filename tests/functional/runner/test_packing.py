"""Modules in packed form, sent by real Ansible; and their `AnsibleModule` beside the original one."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ansible_runner
import pytest
from ansible.module_utils.basic import _PY_MIN, AnsibleModule
from ansible.module_utils.os_faults import basic
from ansible.module_utils.testing import patch_module_args
from support.held_service import Service

from os_faults import resources
from os_faults.ansible.warm.packing import pack, pack_library, read_utils

Run = Callable[..., Any]

pytestmark = pytest.mark.functional

#: Everything the arguments of our modules are made of.
SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "timeout": {"type": "int", "default": 300},
    "moment": {"type": "float"},
    "force": {"type": "bool", "default": False},
    "units": {"type": "list", "elements": "str", "default": []},
    "commands": {"type": "list", "elements": "list"},
    "files": {"type": "dict", "default": {}},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "path": {"type": "path"},
    "pidfile": {"type": "str"},
}
RULES: dict[str, Any] = {
    "mutually_exclusive": [("path", "pidfile")],
    "required_if": [("state", "absent", ["files", "pidfile"])],
}
TAKEN: dict[str, dict[str, Any]] = {
    "only what must be": {"name": "a"},
    "numbers as text": {"name": 7, "timeout": "20", "force": "yes"},
    "numbers": {"name": "a", "timeout": 2.0, "force": 0},
    "a part of a number": {"name": "a", "moment": "1795000000.25"},
    "a list in one text": {"name": "a", "units": "b, c"},
    "a list of one number": {"name": "a", "units": 5},
    "elements of other types": {"name": "a", "units": [1, "x"], "commands": [["true"], "a,b"]},
    "a dictionary as JSON": {"name": "a", "files": '{"b": [1]}'},
    "a path": {"name": "a", "path": "~root/$HOME"},
    "nothing given": {"name": "a", "pidfile": None},
    "letters of the world": {"name": "ä'\"\\ <<x>>"},
}
REFUSED: dict[str, dict[str, Any]] = {
    "nothing": {},
    "unknown": {"name": "a", "colour": "red"},
    "no number": {"name": "a", "timeout": "soon"},
    "half a number": {"name": "a", "timeout": 1.5},
    "not a number": {"name": "a", "timeout": "nan"},
    "no part of a number": {"name": "a", "moment": "soon"},
    "a truth as number": {"name": "a", "timeout": "yes"},
    "no truth": {"name": "a", "force": "perhaps"},
    "no list": {"name": "a", "units": {"b": 1}},
    "no dictionary": {"name": "a", "files": [1]},
    "no choice": {"name": "a", "state": "gone"},
    "one too many": {"name": "a", "path": "/", "pidfile": "/x"},
    "one too few": {"name": "a", "state": "absent"},
}


def old_pythons() -> list[Path]:
    """Return the Pythons 3.8 and 3.9 of this machine on which this Ansible runs modules, from pyenv or the PATH."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = []
    for version in (f"3.{minor}" for minor in range(_PY_MIN[1], 10)):
        on_path = shutil.which(f"python{version}")  # with pyenv it may be a program that only says to choose one
        there = sorted(pyenv.glob(f"{version}.*/bin/python{version}")) or ([Path(on_path)] if on_path else [])
        found += there[-1:]
    return found


#: The oldest Pythons on which modules run.
OLD = old_pythons()


def outcome(kind: Any, given: Mapping[str, Any]) -> tuple[bool, Any]:
    """Return whether a class takes these arguments, and what it makes of them or how it refuses them."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            return True, kind(SPEC, supports_check_mode=True, **RULES).params
    except SystemExit:
        return False, json.loads(said.getvalue())


@pytest.mark.parametrize("given", [*TAKEN.values(), *REFUSED.values()], ids=[*TAKEN, *REFUSED])
def test_arguments_are_taken_and_refused_as_by_ansible(
    given: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with patch_module_args(dict(given)):
        theirs = outcome(AnsibleModule, given)
    monkeypatch.setattr(basic, "ARGUMENTS", given)
    ours = outcome(basic.AnsibleModule, given)
    assert theirs[0] == ours[0] == (given in TAKEN.values())
    if ours[0]:
        assert ours[1] == theirs[1]
    else:
        assert ours[1]["failed"]
        assert theirs[1]["failed"]
        unknown = [name for name in (*given, *SPEC) if name in theirs[1]["msg"]][:1]
        assert unknown[0] in ours[1]["msg"]


def test_a_command_is_run_as_by_ansible(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(basic, "ARGUMENTS", {})
    with patch_module_args({}):
        both = [AnsibleModule({}), basic.AnsibleModule({})]
    command = ["sh", "-c", 'echo "$A $B $(pwd -P)"; printf "\\377" >&2; exit 3']
    for module in both:
        module.run_command_environ_update = {"A": "1", "B": "2"}
    theirs, ours = (each.run_command(command, environ_update={"B": "3"}, cwd=str(tmp_path)) for each in both)
    assert ours == theirs == (3, f"1 3 {tmp_path}\n", "\udcff")


def test_a_daemon_that_keeps_the_output_open_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(basic, "ARGUMENTS", {})
    begin = time.monotonic()
    code, out, _err = basic.AnsibleModule({}).run_command(["sh", "-c", "sleep 60 & echo $!"])
    try:
        assert (code, out.strip().isdigit()) == (0, True)
        assert time.monotonic() - begin < 30
    finally:
        subprocess.run(["kill", out.strip()], check=True)


def test_a_program_that_is_not_there_ends_the_module_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(basic, "ARGUMENTS", {})
    with pytest.raises(SystemExit):
        basic.AnsibleModule({}).run_command(["/nowhere/program"])
    assert json.loads(capsys.readouterr().out)["msg"] == "can't run /nowhere/program: No such file or directory"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packed modules."""
    directory = tmp_path_factory.mktemp("library")
    for name, text in pack_library(resources.modules_dir(), resources.module_utils_dir()).items():
        (directory / name).write_text(text, encoding="utf-8")
    return directory


def run(
    library: Path, directory: Path, tasks: list[Mapping[str, Any]], python: str | Path = sys.executable
) -> list[dict[str, Any]]:
    """Return the results of tasks with the packed modules on this machine, by a Python of its."""
    play = {"hosts": "all", "gather_facts": False, "ignore_errors": True, "tasks": tasks}
    local = {"ansible_connection": "local", "ansible_python_interpreter": str(python)}
    directory.mkdir(exist_ok=True)
    done = ansible_runner.run(
        private_data_dir=str(directory),
        playbook=[play],
        inventory={"all": {"hosts": {"localhost": local}}},
        envvars={
            "ANSIBLE_LIBRARY": str(library),
            "ANSIBLE_MODULE_UTILS": str(resources.module_utils_dir()),
            "ANSIBLE_PIPELINING": "True",
            "PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin",
        },
        quiet=True,
        cancel_callback=lambda: False,  # else it takes over the signal handlers of this process
    )
    ended = ("runner_on_ok", "runner_on_failed", "runner_on_unreachable")
    return [event["event_data"]["res"] for event in done.events if event["event"] in ended]


def test_every_packed_module_runs_under_real_ansible_without_its_library(library: Path, tmp_path: Path) -> None:
    names = sorted(path.stem for path in library.iterdir())
    assert {"osf_hold", "osf_heal", "osf_inventory", "osf_node_info", "osf_systemd_service"} <= set(names)
    results = run(library, tmp_path, [{name: {"colour": "'red' <<blue>>"}} for name in names])
    said = {name: result["msg"] for name, result in zip(names, results, strict=True)}
    assert {name: msg.partition(".")[0] for name, msg in said.items()} == dict.fromkeys(
        names, "Unsupported parameters: colour"
    )


def test_a_packed_module_answers_as_the_module_itself(library: Path, tmp_path: Path) -> None:
    asked: list[Mapping[str, Any]] = [{"osf_node_info": {"services": {"x": {"driver": "process", "grep": "no such"}}}}]
    (packed,) = run(library, tmp_path / "a", asked)
    (plain,) = run(resources.modules_dir(), tmp_path / "b", asked)
    for answer in (packed, plain):
        answer.pop("invocation", None)  # some versions of Ansible have the module repeat its arguments
    assert packed == plain


def told_by(source: str, directory: Path, python: str | Path = sys.executable, **utils: str) -> str:
    """Return the message of a module of this text, packed with these others, by a Python of this machine."""
    ours = {f"os_faults.host.{name}": text for name, text in utils.items()}
    packed = pack("osf_tried", source, {**read_utils(resources.module_utils_dir()), **ours})
    assert packed is not None
    (directory / "osf_tried.py").write_text(packed)
    (result,) = run(directory, directory / "run", [{"osf_tried": {}}], python)
    return str(result["msg"])


def test_what_goes_wrong_inside_is_told(tmp_path: Path) -> None:
    source = "from ansible.module_utils.basic import AnsibleModule\nAnsibleModule({})\n1 / 0\n"
    assert told_by(source, tmp_path) == "ZeroDivisionError: division by zero (osf_tried, line 3)"


USES_ANOTHER = """
from ansible.module_utils.os_faults.host import other
from ansible.module_utils.basic import AnsibleModule


def main():
    '''Tell what the other one says.'''
    module = AnsibleModule({})
    module.exit_json(msg=other.message())


main()
"""


def test_what_goes_wrong_in_a_source_that_is_loaded_later_is_told_with_its_place(tmp_path: Path) -> None:
    other = '"""Says nothing."""\n\nimport os\n\n# It is not there.\nos.nothing()\n'
    told = told_by(USES_ANOTHER, tmp_path, other=other)
    assert told == "AttributeError: module 'os' has no attribute 'nothing' (os_faults.host.other, line 6)"


def test_what_is_not_used_is_not_loaded(tmp_path: Path) -> None:
    other = "from ansible.module_utils.os_faults.host import third\n\n\ndef message():\n    return 'loaded'\n"
    assert told_by(USES_ANOTHER, tmp_path, other=other, third="1 / 0\n") == "loaded"


NAMED = """
from __future__ import annotations

from typing import Callable, NamedTuple

Way = Callable[..., "str"]


class Point(NamedTuple):
    '''A point.'''

    x: int
    y: int = 2

    @property
    def told(self) -> str:
        return "{} {}".format(self, self._replace(y=self.x)._asdict())


def message() -> str:
    return Point(1).told + str(Point(1) == (1, 2))
"""


def test_named_tuples_are_those_of_python(tmp_path: Path) -> None:
    space: dict[str, Any] = {"__name__": "named"}
    exec(NAMED, space)
    assert told_by(USES_ANOTHER, tmp_path, other=NAMED) == space["message"]()


USES_WHAT_PYTHON_ITSELF_IMPORTS = """
import time


def message():
    with open("/proc/sys/kernel/ostype") as file:  # up to Python 3.9 this imports _bootlocale
        return file.read().strip() + str(time.strptime("2026", "%Y").tm_year)
"""


@pytest.mark.parametrize("python", [Path(sys.executable), *OLD], ids=str)
def test_python_itself_imports_as_ever(python: Path, tmp_path: Path) -> None:
    assert told_by(USES_ANOTHER, tmp_path, python, other=USES_WHAT_PYTHON_ITSELF_IMPORTS) == "Linux2026"


@pytest.mark.skipif(not OLD, reason="there is no Python 3.8 or 3.9 on this machine")
@pytest.mark.parametrize("python", OLD, ids=str)
def test_a_fault_comes_and_goes_on_the_oldest_pythons(
    python: Path, play: Run, service: Service, tmp_path: Path
) -> None:
    bare = tmp_path / "python"  # as on a host without further packages, whose files Python reads at its start
    bare.write_text(f'#!/bin/sh\nexec {python} -S "$@"\n')
    bare.chmod(0o755)
    inventory = {**service.inventory, "ansible_python_interpreter": str(bare)}

    def failures(verb: str, **more: Any) -> Mapping[str, str]:
        asked = {"service": service.name, "service_action": verb, **more}
        return play("service_freeze.yml", inventory=inventory, **asked).failures

    assert failures("freeze", seconds=60) == {}
    assert service.states == "TT"
    assert failures("unfreeze") == {}
    assert service.states == "SS"
    assert service.directory is None


@pytest.mark.parametrize(("secret", "stays"), [("False", False), ("True", True), ("SECRET", True)])
def test_a_module_with_a_secret_argument_stays_as_it_is(secret: str, stays: bool) -> None:
    spec = f'{{"password": {{"type": "str", "no_log": {secret}}}}}'
    source = f"from ansible.module_utils.basic import AnsibleModule\nAnsibleModule({spec})\n"
    assert (pack("osf_tried", source, read_utils(resources.module_utils_dir())) is None) is stays


def test_a_module_that_needs_more_of_ansible_stays_as_it_is(library: Path) -> None:
    assert not {"osf_ipmi_power", "osf_redfish_power", "osf_libvirt_power"} & {path.stem for path in library.iterdir()}
