"""The runner against real Ansible on this machine."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from os_faults import AnsibleExecutionException, Cloud, PartlyDone, RunTimeout, Status, connect

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module", params=["yes", "no"], ids=["warm", "cold"], autouse=True)
def warm_start(request: pytest.FixtureRequest) -> Iterator[None]:
    """All of this holds with and without a server that has Ansible in memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OS_FAULTS_WARM_START", request.param)
        yield


@pytest.fixture(scope="module")
def artifacts(warm_start: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("artifacts") / "runs"


@pytest.fixture(scope="module")
def cloud(artifacts: Path) -> Iterator[Cloud]:
    """One host that is this machine, for one test after the other."""
    config = {
        "cloud_management": {
            "driver": "universal",
            "nodes": ["localhost"],
            "auth": {"connection": "local", "python_interpreter": sys.executable},
        },
        "artifacts_dir": str(artifacts),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(artifacts.parent / "state"))
        with connect(config, seed=1) as cloud:
            yield cloud


@pytest.fixture
def nodes(cloud):
    return cloud.get_nodes()


def run_of(artifacts: Path) -> Path:
    return max(artifacts.iterdir(), key=lambda path: path.stat().st_mtime_ns)


def command(*argv: str) -> dict[str, object]:
    return {"ansible.builtin.command": {"argv": list(argv)}}


def test_a_task_runs_and_tells_what_it_did(nodes):
    (result,) = nodes.run_task(command("printf", "%s", "{{ 6 * 7 }} it's")).values()
    assert result.status is Status.OK
    assert result.changed
    assert (result.rc, result.stdout) == (0, "42 it's")


def test_a_pause_needs_nobody_at_a_terminal(nodes):
    begin = time.monotonic()
    (host,) = nodes.run_task({"ansible.builtin.pause": {"seconds": 1}}).values()
    assert host.ok
    assert time.monotonic() - begin > 1


def test_a_failed_task_is_an_error_with_the_modules_message(nodes):
    with pytest.raises(AnsibleExecutionException, match=r"failed: .*'/nonexistent'") as caught:
        nodes.run_task(command("/nonexistent"))
    (host,) = caught.value.result.failures
    assert host.status is Status.FAILED


def test_ignored_failures_keep_their_own_status(nodes):
    (host,) = nodes.run_task({**command("false"), "ignore_errors": True}).values()
    assert host.status is Status.IGNORED


def test_every_run_leaves_its_artifacts_in_private(nodes, artifacts):
    result = nodes.run_task(command("true"))
    run = run_of(artifacts)
    assert result.artifacts == str(run)
    record = json.loads((run / "os_faults.json").read_text())
    assert record["verb"] == "run_task"
    assert record["seed"] == 1
    assert record["status"] == "done"
    assert list(record["results"]) == record["nodes"] == nodes.get_fqdns()
    assert (run / "artifacts" / "run" / "stdout").exists()
    assert list((run / "artifacts" / "run" / "job_events").glob("*.json"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in [run, *run.iterdir()] if path.is_dir()} == {0o700}


def test_the_environment_of_the_caller_stays_out_of_run_and_artifacts(nodes, artifacts, monkeypatch):
    monkeypatch.setenv("CANARY_TOKEN", "canary-3141")
    (host,) = nodes.run_task(command("env")).values()
    assert "canary-3141" not in host.stdout
    texts = [path.read_text(errors="replace") for path in run_of(artifacts).rglob("*") if path.is_file()]
    assert len(texts) > 5
    assert not any("canary-3141" in text for text in texts)


def test_other_runs_of_ansible_runner_in_this_process_are_as_ever(nodes, tmp_path):
    import ansible_runner

    nodes.run_task(command("true"))
    (tmp_path / "theirs").mkdir()
    events = []
    play = [{"hosts": "all", "gather_facts": False, "tasks": [command("echo", "hello")]}]
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    done = ansible_runner.run(
        private_data_dir=str(tmp_path / "theirs"),
        playbook=play,
        inventory={"all": {"hosts": {"here": local}}},
        event_handler=lambda event: events.append(event["event"]) or True,
        cancel_callback=lambda: False,
        quiet=True,
    )
    assert done.rc == 0
    assert "runner_on_ok" in events


def test_a_run_ends_at_its_deadline(cloud, nodes):
    from os_faults.model import Action

    action = Action("run_task", "", tuple(nodes), tasks=(command("sleep", "60"),), timeout=2)
    begin = time.monotonic()
    with pytest.raises(RunTimeout, match="did not end within 2 s"):
        cloud.perform(action)
    assert time.monotonic() - begin < 20


def test_ctrl_c_stops_the_run_and_leaves_the_signal_handlers(nodes, artifacts):
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    timer = threading.Timer(3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        nodes.run_task(command("sleep", "61.37"))
    assert time.monotonic() - begin < 20
    assert {number: signal.getsignal(number) for number in before} == before
    assert "interrupted" in json.loads((run_of(artifacts) / "os_faults.json").read_text())["error"]
    assert not processes_of(run_of(artifacts))


def test_signal_handlers_stay_after_a_run_that_ended_well(nodes):
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    nodes.run_task(command("true"))
    assert {number: signal.getsignal(number) for number in before} == before


def test_two_threads_get_their_own_answers(nodes):
    answers: dict[str, str] = {}

    def ask(word: str) -> None:
        (host,) = nodes.run_task(command("echo", word)).values()
        answers[word] = host.stdout

    threads = [threading.Thread(target=ask, args=(word,)) for word in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {"one": "one", "two": "two"}


def test_a_broken_play_is_an_error_that_says_why(nodes):
    with pytest.raises(AnsibleExecutionException, match="no_such_module"):
        nodes.run_task({"no_such_module": {}})


def test_an_unreachable_host_is_told_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    config = {
        "cloud_management": {
            "driver": "universal",
            "nodes": [
                {"address": "localhost", "connection": "local", "python_interpreter": sys.executable},
                {"address": "127.0.0.1", "port": 1},
            ],
        },
        "artifacts_dir": str(tmp_path / "runs"),
    }
    # When ssh has ended before Ansible writes to it, Ansible says that instead.
    why = r"127\.0\.0\.1 could not be reached.*(refused|Broken pipe)"
    with connect(config) as cloud, pytest.raises(PartlyDone, match=why):
        cloud.get_nodes()


def test_nothing_is_left_when_the_cloud_is_closed(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    runtime = Path(tempfile.mkdtemp(prefix="t-", dir="/tmp"))  # tmp_path is too long for a socket
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    login = {"connection": "local", "python_interpreter": sys.executable, "password": "canary-2718"}
    config = {"cloud_management": {"driver": "universal", "nodes": ["localhost"], "auth": login}}
    with connect(config) as cloud:
        cloud.get_nodes()
        control = list(runtime.iterdir())
        assert [stat.S_IMODE(path.stat().st_mode) for path in control] == [0o700]
    runtime.rmdir()
    kept = [path.read_text(errors="replace") for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert kept
    assert not any("canary-2718" in text for text in kept)


def processes_of(run: Path) -> list[str]:
    """Return Ansible's processes that work on a run: they have its directory in their environment, or open."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if not process.name.isdigit() or (process / "comm").read_text() != "ansible-playboo\n":
                continue
            known = [(process / "environ").read_bytes().decode(errors="replace")]
            known += [os.readlink(descriptor) for descriptor in (process / "fd").iterdir()]
        except OSError:
            continue  # it has just ended
        if any(str(run) in text for text in known):
            found.append(process.name)
    return found
