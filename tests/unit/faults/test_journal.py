"""The controller's journal, on real files and with real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from os_faults.faults import journal as module
from os_faults.faults.journal import ENDED, HELD, INTENDED, Entry, Journal

NOW = 1000.0
OFF = Entry(
    node="node-1.domain.tld",
    address="10.0.0.1",
    id="poweroff-node-1.domain.tld",
    verb="poweroff",
    subject="power",
    undo="poweron",
    from_outside=True,
    state=INTENDED,
    since=NOW,
    until=None,
    deadline=NOW + 60,
    by="me@here",
    run="0a",
)


def off(number: int, state: str = INTENDED, **changes: object) -> Entry:
    return replace(OFF, node=f"node-{number}", id=f"poweroff-node-{number}", state=state, **changes)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clouds" / "cloud.journal"


def test_what_is_not_there_is_empty_and_is_not_made(path: Path) -> None:
    assert Journal(path).open(NOW) == []
    Journal(path).write([], NOW)
    assert not path.parent.exists()


def test_the_last_line_of_a_fault_counts(path: Path) -> None:
    journal = Journal(path)
    journal.write([off(1), off(2)], NOW)
    assert Journal(path).open(NOW) == [off(1), off(2)]
    journal.write([off(1, HELD), off(2, ENDED)], NOW + 1)
    assert Journal(path).open(NOW) == [off(1, HELD)]
    journal.write([off(1, ENDED)], NOW + 2)
    assert Journal(path).open(NOW) == []
    assert len(path.read_text().splitlines()) == 5, "what was done can be read later"


def test_a_fault_whose_time_has_come_is_over(path: Path) -> None:
    Journal(path).write([off(1, HELD, until=NOW + 10)], NOW)
    assert Journal(path).open(NOW + 9) == [off(1, HELD, until=NOW + 10)]
    assert Journal(path).open(NOW + 11) == []


def test_a_journal_without_a_file_is_kept_for_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    journal = Journal(None)
    journal.write([off(1)], NOW)
    assert journal.open(NOW) == [off(1)]
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_can_read_it(path: Path) -> None:
    Journal(path).write([OFF], NOW)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"not JSON",
        b'{"schema": 1, "node": "node-9", "addr',  # cut off by a crash
        b"[1, 2]",
        b"null",
        b'{"schema": 1}',
        b"\xff\xfe\x00",
        json.dumps({"schema": 2, **vars(OFF)}).encode(),
        json.dumps({"schema": 1, **vars(OFF), "since": "yesterday"}).encode(),
        json.dumps({"schema": 1, **vars(OFF), "node": ["node-1"]}).encode(),
        *(
            json.dumps({"schema": 1, **vars(OFF), name: value}).encode()
            for name in ("since", "until", "deadline")
            for value in (1e300, float("nan"), float("-inf"), 10**400, -1.0, True, "soon")
        ),
        json.dumps({"schema": 1, **vars(OFF), "id": "\ud800"}).encode(),
        b"[" * 100_000,
        b'{"schema": ' * 100_000,
        b'{"since": ' + b"9" * 10_000 + b"}",
        b"x" * 3_000_000,
    ],
)
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_that_is_torn_or_foreign_is_no_failure(path: Path, line: bytes, end: bytes) -> None:
    Journal(path).write([off(1)], NOW)
    with path.open("ab") as file:
        file.write(line + end)
    assert Journal(path).open(NOW) == [off(1)]
    Journal(path).write([off(2)], NOW)
    assert Journal(path).open(NOW) == [off(1), off(2)], "nor does it take the next line with it"


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["a directory", "a FIFO"])
def test_a_journal_that_cannot_be_read_is_told_once(path: Path, caplog: pytest.LogCaptureFixture, make: Any) -> None:
    path.parent.mkdir(parents=True)
    make(path)
    journal = Journal(path)
    for _ in range(3):
        assert journal.open(NOW) == []
        assert "can't read the journal" in journal.unreadable
    assert len(caplog.records) == 1
    path.rmdir() if path.is_dir() else path.unlink()
    assert journal.open(NOW) == []
    assert journal.unreadable == ""


@pytest.mark.parametrize("until", [1e300, float("nan"), float("inf"), 10**400, -5, "soon", True])
def test_what_would_not_be_read_is_not_written(path: Path, until: Any) -> None:
    """It comes from nodes, which may say anything."""
    evil = off(1, HELD, until=until, subject="a\ud800\x1b" + "b" * 10_000, undo=5)
    Journal(path).write([evil], NOW)
    (kept,) = Journal(path).open(NOW)
    assert kept.until is None, "it has no end that could be told"
    assert kept.subject.startswith("a\\ud800\\x1bbb")
    Journal(path).write([replace(evil, state=ENDED)], NOW)
    assert Journal(path).open(NOW) == []


def test_a_journal_that_cannot_be_written_is_an_error(path: Path) -> None:
    path.parent.write_text("a file in place of the directory")
    with pytest.raises(OSError, match="exists"):
        Journal(path).write([OFF], NOW)


def test_it_does_not_grow_without_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ENOUGH", 4000)
    journal = Journal(path)
    journal.write([off(0, HELD)], NOW)
    for _ in range(30):
        for state in (INTENDED, HELD, ENDED):
            journal.write([off(1, state)], NOW)
            assert path.stat().st_size < 5000
    assert journal.open(NOW) == [off(0, HELD)], "what is not over stays"
    journal.write([off(0, ENDED)], NOW)
    assert journal.open(NOW) == []
    assert {file.suffix for file in path.parent.iterdir()} == {".journal", ".lock"}


WRITER = """\
import sys
from dataclasses import replace
from pathlib import Path
from os_faults.faults import journal
from os_faults.faults.journal import Entry, Journal
journal._ENOUGH = int(sys.argv[3])
for number in range(50):
    node = f"{sys.argv[2]}-{number}"
    fault = Entry(node, "10.0.0.1", node, "poweroff", "power", "poweron", True, "intended", 1e3, None, 1e3, "me", "0a")
    Journal(Path(sys.argv[1])).write([fault], 1000.0)
    Journal(Path(sys.argv[1])).write([replace(fault, state="held" if number % 5 == 0 else "ended")], 1000.0)
"""


@pytest.mark.parametrize("enough", [10**9, 2000], ids=["only growing", "cut down again and again"])
def test_two_processes_write_at_once(path: Path, enough: int) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(enough)]) for name in ("one", "two")
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    left = {entry.node for entry in Journal(path).open(NOW)}
    assert left == {f"{name}-{number}" for name in ("one", "two") for number in range(0, 50, 5)}
    assert all(json.loads(line) for line in path.read_text().splitlines())


KILLED = """\
import os, signal, sys
from pathlib import Path
from os_faults.faults.journal import Entry, Journal
fault = Entry("node-1", "10.0.0.1", "poweroff-node-1", "poweroff", "power", "poweron", True, "intended",
              1000.0, None, 1060.0, "me", "0a")
Journal(Path(sys.argv[1])).write([fault], 1000.0)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_intention_of_a_process_that_was_killed_is_there(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    (fault,) = Journal(path).open(NOW)
    assert (fault.node, fault.state) == ("node-1", INTENDED)
    Journal(path).write([off(2)], NOW)
    assert len(Journal(path).open(NOW)) == 2, "it left no lock behind"
