"""Output in three forms: tables that fit a terminal and cut no name, JSON, and YAML that says the same."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import shlex
import struct
import termios
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from support.cli_fixture import CommandLine, command_line
from support.cloud_fixture import hosts

from os_faults.cli import main
from os_faults.cli.session import Session
from os_faults.resources import playbooks_dir

Terminal = Callable[..., str]
END = "end of the output"


def _read_to_end(terminal: int) -> str:
    text = ""
    while END not in text:
        text += os.read(terminal, 4096).decode()
    return text.partition(END)[0]


@pytest.fixture
def call(tmp_path: Path, state_home: Path) -> CommandLine:
    return command_line(tmp_path, hosts(holds=("freeze-neutron-openvswitch-agent",)))


@pytest.fixture
def terminal(call: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Run a command with stdout on a terminal of some columns, and return what it shows."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("TERM", "dumb")
    master, slave = pty.openpty()

    def run(*words: str, columns: int = 80) -> str:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        monkeypatch.setenv("COLUMNS", str(columns))
        reader = ThreadPoolExecutor().submit(_read_to_end, master)
        with os.fdopen(os.dup(slave), "w") as stdout, monkeypatch.context() as patch:
            patch.setattr("sys.stdout", stdout)
            session = Session(parts={"runner": call.runner, "state": call.directory})
            main.main(["-c", str(call.config), *words], obj=session, standalone_mode=False)
            print(END, file=stdout)
        return reader.result(timeout=10)

    yield run
    os.close(master)
    os.close(slave)


@pytest.mark.case("u15")
@pytest.mark.parametrize("words", [("playbooks",), ("faults",), ("nodes",), ("services",), ("drivers",)])
def test_a_table_of_80_columns_cuts_no_name(call: CommandLine, terminal: Terminal, words: tuple[str, ...]) -> None:
    rows = next(value for value in call.json(*words).values() if isinstance(value, list))
    shown = set(terminal(*words).replace(",", " ").split())
    first = {str(next(iter(row.values()))) for row in rows}
    assert first <= shown, "a name is cut"


@pytest.mark.case("u15")
@pytest.mark.parametrize(("words", "columns"), [(("nodes",), 80), (("services",), 80), (("faults",), 140)])
def test_a_table_has_a_row_for_each_entry_and_all_its_names(
    call: CommandLine, terminal: Terminal, words: tuple[str, ...], columns: int
) -> None:
    entries = next(value for value in call.json(*words).values() if isinstance(value, list))
    first = [str(next(iter(entry.values()))) for entry in entries]
    lines = terminal(*words, columns=columns).splitlines()
    cells = [row for row in (line.replace(",", " ").split() for line in lines) if row]
    assert [row[0] for row in cells if row[0] in first] == first
    names = [name for entry in entries for name in (entry.get("nodes") or [entry.get("id")]) if name]
    shown = [cell for row in cells for cell in row]
    assert all(shown.count(name) >= names.count(name) for name in names)


@pytest.mark.case("u15")
@pytest.mark.parametrize("words", [("plan", "inject", "freeze", "memcached", "--for", "20s"), ("plan", "heal")])
def test_a_plan_says_to_people_what_its_document_says(
    call: CommandLine, terminal: Terminal, words: tuple[str, ...]
) -> None:
    (plan,) = call.json(*words)["plan"]
    _head, *lines = terminal(*words).splitlines()
    told = [(line[2:12].strip(), line[13:]) for line in lines]
    rows = dict(told)
    assert rows["nodes"].split(", ") == plan["nodes"]
    assert shlex.split(rows["command"]) == plan["command"]
    assert ("undone by" in rows) == ("lasts" in rows) == bool(plan["undone_by"])
    if plan["undone_by"]:
        assert plan["undone_by"] in rows["undone by"]
        assert rows["lasts"] == f"{plan['seconds']} s, then the nodes take it back"
    meets = [f"{each['fault']} {each['subject']} on {each['node']}, by {each['by']}" for each in plan["conflicts"]]
    assert [text for word, text in told if word == "meets"] == meets


@pytest.mark.case("u11")
def test_a_narrow_list_of_faults_has_the_id(terminal: Terminal) -> None:
    assert "freeze-neutron-openvswitch-agent" in terminal("faults").split()
    assert "subject" not in terminal("faults")
    assert "subject" in terminal("faults", columns=140)


@pytest.mark.case("u16")
@pytest.mark.parametrize("words", [("playbooks",), ("nodes",), ("services",), ("drivers",), ("plan", "heal")])
def test_yaml_says_the_same_as_json(call: CommandLine, words: tuple[str, ...]) -> None:
    told = yaml.safe_load(call("--output", "yaml", *words).stdout)
    expected = call.json(*words)
    for document in (told, expected):
        document.pop("plan", None)  # each plan has a directory of its own
    assert told == expected


@pytest.mark.case("u16")
def test_an_error_is_a_document_too(call: CommandLine) -> None:
    done = call("--output", "yaml", "inject", "restart", "keystne")
    assert yaml.safe_load(done.stdout)["error"]["type"] == "ServiceError"


@pytest.mark.case("u16")
@pytest.mark.parametrize(("words", "head"), [(("nodes",), "fqdn"), (("drivers",), "kind")])
def test_people_get_a_table(terminal: Terminal, words: tuple[str, ...], head: str) -> None:
    assert terminal(*words).strip().startswith(head)


@pytest.mark.case("u23")
def test_the_path_of_the_playbooks_heeds_the_output(call: CommandLine) -> None:
    assert call.json("playbooks", "--path")["directory"] == str(playbooks_dir())
    assert json.dumps(call("playbooks", "--path").stdout.strip()) == json.dumps(str(playbooks_dir()))
