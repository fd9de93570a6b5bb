"""What is remembered of the nodes, when many remember at once and when the file is odd."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from os_faults.discovery.last_seen import LastSeen
from os_faults.model import Auth, Node


def node(number: int) -> Node:
    return Node(fqdn=f"node-{number}", ip=f"10.0.{number // 200}.{number % 200 + 1}")


def recalled(path: Path, numbers: range) -> set[str]:
    return set(LastSeen(path).recall({node(number).ip: Auth() for number in numbers}))


def test_threads_of_one_process_lose_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "state" / "cloud.json"

    def remember(first: int) -> None:
        for number in range(first, first + 30):
            LastSeen(path).remember([node(number)])

    threads = [threading.Thread(target=remember, args=(first,)) for first in range(0, 120, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert caplog.records == []
    assert recalled(path, range(120)) == {f"node-{number}" for number in range(120)}
    assert {each.name for each in path.parent.iterdir()} == {"cloud.json", "cloud.lock"}


REMEMBER = """\
import sys
from pathlib import Path
from os_faults.discovery.last_seen import LastSeen
from os_faults.model import Node
import os
os.getpid = lambda: 1  # as in two containers with one home
for number in range(int(sys.argv[2]), int(sys.argv[2]) + 40):
    LastSeen(Path(sys.argv[1])).remember([Node(fqdn=f"node-{number}", ip=f"10.0.{number // 200}.{number % 200 + 1}")])
"""


def test_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "cloud.json"
    running = [subprocess.Popen([sys.executable, "-c", REMEMBER, path, str(first)]) for first in (0, 40, 80)]
    assert [each.wait(timeout=120) for each in running] == [0, 0, 0]
    assert recalled(path, range(120)) == {f"node-{number}" for number in range(120)}


GOOD = {"ip": "10.0.0.1", "mac": None, "interfaces": [], "units": {}, "containers": [], "last_seen": "today"}


@pytest.mark.parametrize(
    "odd",
    [
        5,
        None,
        {},
        {**GOOD, "mac": 5},
        {**GOOD, "interfaces": [["a"]]},
        {**GOOD, "interfaces": 7},
        {**GOOD, "interfaces": [["eth0", 5, []]]},
        {**GOOD, "units": []},
        {**GOOD, "units": {"x": 5}},
        {**GOOD, "ip": "{{ x }}"},
        {**GOOD, "containers": 5},
    ],
)
def test_an_odd_entry_is_passed_over(tmp_path: Path, odd: Any) -> None:
    path = tmp_path / "cloud.json"
    path.write_text(json.dumps({"odd": odd, "node-0": GOOD}))
    assert recalled(path, range(1)) == {"node-0"}


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b"\xff\xfe", b"[1]", b"9" * 10_000])
def test_an_odd_file_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cloud.json"
    path.write_bytes(content)
    assert recalled(path, range(1)) == set()
    LastSeen(path).remember([node(0)])
    assert recalled(path, range(1)) == {"node-0"}


def test_a_fifo_is_not_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "cloud.json"
    os.mkfifo(path)
    assert recalled(path, range(1)) == set()
    LastSeen(path).remember([node(0)])
    assert "no regular file" in caplog.text


def test_a_host_with_a_new_name_each_time_is_remembered_once(tmp_path: Path) -> None:
    memory = LastSeen(tmp_path / "cloud.json")
    for number in range(20):
        memory.remember([Node(f"name-{number}", "10.0.0.3"), Node("good", "10.0.0.2")])
    assert set(memory.recall({"10.0.0.2": Auth(), "10.0.0.3": Auth()})) == {"good", "name-19"}
