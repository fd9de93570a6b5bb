"""What is printed: nothing of it steers a terminal, and a document is one for every reader."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import yaml
from support.cli_fixture import command_line
from support.cloud_fixture import hosts

from os_faults import HostResult
from os_faults.cli.session import Session
from os_faults.cli.terminal import say, say_json
from os_faults.errors import OSFError
from os_faults.model import Action

EVIL = "\x1b]0;owned\x07\x7f\x9b\u202e\udcff"
STEERING = {char for char in EVIL if not char.isprintable()}


def test_lines_and_tabs_stay(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"a\tb\n{EVIL}é")
    assert capsys.readouterr().out == "a\tb\n\\x1b]0;owned\\x07\\x7f\\x9b\\u202e\\udcffé\n"


def test_a_document_is_json_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"evil": EVIL, "numbers": [float("nan"), float("inf"), 1.5], "more": ({"deep": -float("inf")},)})
    text = capsys.readouterr().out
    assert text.isascii()
    assert not set(text) & STEERING
    found = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert found == {"evil": EVIL, "numbers": [None, None, 1.5], "more": [{"deep": None}]}


@pytest.mark.parametrize("words", [("faults",), ("heal",), ("plan", "inject", "freeze", "memcached"), ("nodes",)])
def test_what_hosts_say_is_spelled_out(tmp_path: Path, words: tuple[str, ...], state_home: Path) -> None:
    def evil(action: Action, node: str) -> HostResult:
        told = hosts()(action, node)
        if action.verb == "discover":
            return told
        hold = {"id": EVIL, "fault": "freeze", "subject": f"memcached\n{EVIL}", "state": EVIL, "since": 1.0, "by": EVIL}
        payload = {"holds": [hold], "undone": [EVIL], "notes": [f"note\n{EVIL}"], "power_state": EVIL}
        return HostResult(node, told.status, message=EVIL, payload=payload)

    done = command_line(tmp_path, evil)(*words)
    shown = done.stdout + done.stderr
    assert not set(shown) & STEERING, shown
    assert done.exit_code == 0
    if words == ("faults",):
        assert len(done.stdout.splitlines()) == 4, "a host can't add a line to the table"


def test_a_list_is_yaml_that_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    from os_faults.cli.output import Output

    rows = [{"fqdn": "é", "note": "\x1b[31m\x85\u202e"}]
    Output("text").listing("nodes", ("fqdn", "note"), rows)
    text = capsys.readouterr().out
    assert not set(text) & {"\x1b", "\x85", "\u202e"}
    assert yaml.safe_load(text) == rows


def test_a_line_of_the_log_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("os_faults")
    before = log.handlers[:], log.level
    try:
        Session().start_logging()
        log.warning("node-1: %s", f"{EVIL}\nos-faults: no faults")
    finally:
        log.handlers[:], _ = before
        log.setLevel(before[1])
    (line,) = capsys.readouterr().err.splitlines()
    assert not set(line) & STEERING


def test_output_that_can_not_be_written_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w") as full:
        monkeypatch.setattr("sys.stdout", full)
        with pytest.raises(OSFError, match="can't write the output: No space left on device"):
            say("x" * 100_000)
        monkeypatch.setattr("sys.stderr", full)
        say("nobody can be told", err=True)
        monkeypatch.undo()
        full.close()  # nothing is left that would be written now
