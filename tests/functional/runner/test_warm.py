"""Runs that a process with Ansible in memory forks for, against real Ansible on this machine."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from os_faults import connect
from os_faults.cloud import Cloud
from os_faults.model import Action

pytestmark = pytest.mark.functional

SLEEP = {"ansible.builtin.command": {"argv": ["sleep", "1"]}}
OWNER = """
import os_faults, sys
cloud = os_faults.connect(config_filename=sys.argv[1])
cloud.get_nodes()
print("now", flush=True)
input()
"""
HELLO = {"ansible.builtin.command": {"argv": ["echo", "hello"]}}


@pytest.fixture
def private(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the private directories of clouds lie."""
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as runtime:  # tmp_path is too long for a socket
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        yield Path(runtime)


@pytest.fixture
def config(tmp_path: Path, private: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """One host that is this machine."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return {
        "cloud_management": {
            "driver": "universal",
            "nodes": ["localhost"],
            "auth": {"connection": "local", "python_interpreter": sys.executable},
        },
        "artifacts_dir": str(tmp_path / "runs"),
    }


@pytest.fixture
def cloud(config: dict[str, Any]) -> Iterator[Cloud]:
    with connect(config, seed=1) as cloud:
        yield cloud


def servers(private: Path) -> list[int]:
    """Return the processes that serve a cloud of this test, not those that they have forked for runs."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace") if process.name.isdigit() else ""
            if str(private) in words and "server.py" in words and parent_of(int(process.name)) == os.getpid():
                found.append(int(process.name))
        except OSError:
            continue  # it has just ended
    return found


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def within(seconds: float, condition: Callable[[], Any]) -> Any:
    until = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def parents_during(cloud: Cloud, task: dict[str, Any]) -> list[int]:
    """Run a task and return the parents of the processes that were Ansible's meanwhile."""
    seen: set[int] = set()

    def watch(event: dict[str, Any]) -> None:
        if event["event"] == "runner_on_start":
            seen.add(parent_of(event["pid"]))

    cloud.watch = watch
    cloud.get_nodes().run_task(task)
    cloud.watch = None
    return sorted(seen)


def test_all_runs_are_forked_by_the_one_server_that_begins_with_the_connection(cloud: Cloud, private: Path) -> None:
    (server,) = servers(private)
    assert parents_during(cloud, SLEEP) == [server]
    assert parents_during(cloud, SLEEP) == [server]
    assert servers(private) == [server]


FORKED = """\
import os, sys, os_faults
from pathlib import Path
def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
with os_faults.connect(config_filename=sys.argv[1]) as cloud:
    nodes = cloud.get_nodes()
    seen = set()
    cloud.watch = lambda event: seen.add(parent_of(event["pid"])) if event["event"] == "runner_on_start" else None
    if child := os.fork():
        sys.exit(os.waitpid(child, 0)[1] != 0)
    (host,) = nodes.run_task({"ansible.builtin.command": {"argv": ["sleep", "0.5"]}}).values()
    (parent,) = seen
    served = "server.py" in Path(f"/proc/{parent}/cmdline").read_text() and parent_of(parent) == os.getppid()
    os._exit(not (host.ok and served))
"""


def test_a_forked_child_uses_the_server_of_its_parent(config: dict[str, Any], private: Path, tmp_path: Path) -> None:
    file = tmp_path / "cloud.json"
    file.write_text(json.dumps(config))
    assert subprocess.run([sys.executable, "-c", FORKED, file], timeout=60, check=False).returncode == 0


def test_a_run_that_comes_before_ansible_is_loaded_waits_for_it(config: dict[str, Any], private: Path) -> None:
    with connect(config) as cloud:
        seen: set[int] = set()
        cloud.watch = lambda event: seen.add(parent_of(event["pid"])) if event["event"] == "runner_on_start" else None
        cloud.get_nodes()
        assert sorted(seen) == servers(private)


def test_without_it_nothing_serves(cloud: Cloud, private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_FAULTS_WARM_START", "no")
    assert parents_during(cloud, SLEEP) == [os.getpid()]


def test_the_artifacts_are_those_of_a_plain_run(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = cloud.get_nodes()
    runs = []
    for word in ("yes", "no"):
        monkeypatch.setenv("OS_FAULTS_WARM_START", word)
        before = set((tmp_path / "runs").iterdir())
        nodes.run_task(HELLO)
        (run,) = set((tmp_path / "runs").iterdir()) - before
        runs.append(run)
    warm, cold = (output_of(run) for run in runs)
    assert warm == cold
    warm, cold = (sorted(shape(path.relative_to(run)) for path in run.rglob("*")) for run in runs)
    assert warm == cold
    assert [told(run) for run in runs] == [told(runs[0])] * 2
    assert json.loads((runs[0] / "artifacts/run/command").read_text())["command"][0] == "ansible-playbook"


def output_of(run: Path) -> str:
    """Return what a run printed, without Python's warnings of names that look like numbers (a directory ``8if…``)."""
    return re.sub(r"(?m)^<unknown>:\d+: SyntaxWarning: .*\n", "", (run / "artifacts/run/stdout").read_text())


def shape(path: Path) -> str:
    """Return a path of a run without what is random in it: an event's name is its number and an id."""
    return str(path.with_name(path.name.partition("-")[0])) if path.parent.name == "job_events" else str(path)


def told(run: Path) -> list[tuple[str, str]]:
    """Return what the events of a run tell, in their order."""
    events = [json.loads(path.read_text()) for path in (run / "artifacts/run/job_events").glob("*.json")]
    return [(event["event"], event["stdout"]) for event in sorted(events, key=lambda event: event["counter"])]


def test_a_server_that_was_killed_is_replaced(cloud: Cloud, private: Path) -> None:
    nodes = cloud.get_nodes()
    (first,) = servers(private)
    os.kill(first, signal.SIGKILL)
    assert within(5, lambda: state(first) == "Z")
    (host,) = nodes.run_task(HELLO).values()
    assert host.stdout == "hello"
    (second,) = servers(private)
    assert second != first


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_server_that_hears_nobody_does_not_matter(cloud: Cloud, private: Path) -> None:
    nodes = cloud.get_nodes()
    (socket,) = private.glob("osf-*/warm/socket")
    socket.unlink()
    (host,) = nodes.run_task(HELLO).values()
    assert host.stdout == "hello"


def test_what_ansible_does_not_load_as_expected_does_not_matter(
    config: dict[str, Any], private: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit('this Ansible is another')")
    monkeypatch.setattr("os_faults.ansible.warm._SERVER", broken)
    with connect(config) as cloud:
        (host,) = cloud.get_nodes().run_task(HELLO).values()
    assert host.stdout == "hello"


def test_another_environment_gets_another_server(cloud: Cloud, private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = cloud.get_nodes()
    (first,) = servers(private)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    (host,) = nodes.run_task({"ansible.builtin.command": {"argv": ["date", "+%z"]}}).values()
    assert host.stdout == "+0900"
    (second,) = servers(private)
    assert second != first


def test_nothing_of_a_run_or_a_server_is_left(config: dict[str, Any], private: Path, tmp_path: Path) -> None:
    with connect(config) as cloud:
        nodes = cloud.get_nodes()
        nodes.run_task(HELLO)
        (server,) = servers(private)
        assert len(list(private.glob("osf-*/ansible/tmp/*"))) == 1, "only the server's own"
        assert not (tmp_path / ".ansible").exists(), "nor is anything put into the user's home"
    assert not Path(f"/proc/{server}").exists()
    assert not list(private.iterdir())


def test_it_ends_with_a_killed_owner(config: dict[str, Any], private: Path, tmp_path: Path) -> None:
    file = tmp_path / "cloud.json"
    file.write_text(json.dumps(config))
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "now\n"
        (server,) = [pid for pid in map(int, children_of(owner.pid)) if "server.py" in command_of(pid)]
        owner.kill()
    assert within(10, lambda: not Path(f"/proc/{server}").exists())


def children_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")


def test_a_deadline_ends_the_workers_too(cloud: Cloud, tmp_path: Path) -> None:
    nodes = cloud.get_nodes()
    seen: list[int] = []
    cloud.watch = lambda event: seen.append(event.get("pid", 0))
    task = {"ansible.builtin.command": {"argv": ["sleep", "60"]}}
    with pytest.raises(Exception, match="did not end within 3 s"):
        cloud.perform(Action("run_task", "", tuple(nodes), tasks=(task,), timeout=3))
    assert seen
    assert not [pid for pid in Path("/proc").iterdir() if comm(pid) == "ansible-playboo" and works_on(pid, tmp_path)]


def comm(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return ""


def works_on(process: Path, directory: Path) -> bool:
    try:
        return any(os.readlink(entry).startswith(str(directory)) for entry in (process / "fd").iterdir())
    except OSError:
        return False


def test_the_templates_of_our_playbooks_are_compiled_when_it_starts(cloud: Cloud, private: Path) -> None:
    cloud.get_nodes().run_task(HELLO)
    (log,) = private.glob("osf-*/warm/log")
    assert re.fullmatch(r"templates that are compiled: [1-9]\d\d+\n", log.read_text())


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this user keeps what a warm start makes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "os-faults"


def hello(config: dict[str, Any], private: Path) -> str:
    """Do a run in a new session, and return what its server has told."""
    with connect(config) as cloud:
        (host,) = cloud.get_nodes().run_task(HELLO).values()
        assert host.stdout == "hello"
        (log,) = private.glob("osf-*/warm/log")
        return log.read_text()


def kept(cache: Path) -> dict[str, tuple[int, int]]:
    """Return the files in a cache: kind → inode and mode."""
    files = cache.iterdir() if cache.exists() else ()
    return {path.name.partition("-")[0]: (path.stat().st_ino, path.stat().st_mode & 0o777) for path in files}


def test_what_it_makes_is_kept_for_the_next_process(config: dict[str, Any], private: Path, cache: Path) -> None:
    first = hello(config, private)
    before = kept(cache)
    assert {kind: mode for kind, (_, mode) in before.items()} == {"modules": 0o600, "templates": 0o600}
    assert hello(config, private) == first
    assert kept(cache) == before


def test_what_is_damaged_is_made_anew(config: dict[str, Any], private: Path, cache: Path) -> None:
    first = hello(config, private)
    before = kept(cache)
    for path in cache.iterdir():
        path.write_bytes(path.read_bytes()[:1000])
    assert hello(config, private) == first
    assert kept(cache).keys() == before.keys()
    assert all(path.stat().st_size > 1000 for path in cache.iterdir())


def test_where_another_user_could_change_it_nothing_is_kept(config: dict[str, Any], private: Path, cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    assert "compiled" in hello(config, private)
    assert kept(cache) == {}


def test_there_is_an_end_to_what_is_kept(config: dict[str, Any], private: Path, cache: Path) -> None:
    cache.mkdir(parents=True, mode=0o700)
    for number in range(40):
        (cache / f"modules-{number}").touch()
    hello(config, private)
    assert len(list(cache.iterdir())) <= 12
