"""Ctrl-C in the middle of a verb, and two verbs at once."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from hostlab.child import Child
from hostlab.command import BIN
from hostlab.controller import processes_with
from hostlab.lab import Lab
from hostlab.observer import Host
from hostlab.subject import memcached, mysql
from hostlab.waiting import wait_for

from os_faults import Cloud

# The application has handlers of its own; afterwards they are the same, and Python's for Ctrl-C too.
WITH_HANDLERS = """
mine = [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1]
for number in mine:
    signal.signal(number, lambda *_: None)
before = [signal.getsignal(number) for number in (*mine, signal.SIGINT)]
def handlers():
    return "same" if [signal.getsignal(n) for n in (*mine, signal.SIGINT)] == before else "changed"
nodes = cloud.get_nodes(fqdns=["node-2.domain.tld", "node-3.domain.tld"])
"""
# The verb goes no further once one host has said that the fault is there.
STOPPED_WHEN_FROZEN = """
def watch(event):
    if event["event"] == "runner_on_ok" and event["event_data"].get("task_action") == "osf_hold":
        cloud.watch = None
        say("frozen")
        time.sleep(60)
cloud.watch = watch
"""
INTERRUPTED = """
except KeyboardInterrupt:
    say(handlers())
    raise
"""


@pytest.fixture
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The private runtime directory of the child; its path is short, as it holds sockets."""
    return tmp_path_factory.mktemp("r")


@pytest.fixture
def config_file(config: dict[str, Any], tmp_path: Path) -> Path:
    config["artifacts_dir"] = str(tmp_path / "runs")
    path = tmp_path / "os-faults.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def assert_nothing_is_left(config_file: Path, private: Path, before: set[Path]) -> None:
    wait_for(lambda: not processes_with(str(config_file.parent)), "its processes have ended", 5)
    assert set(own_files(private)) <= before


def own_files(private: Path) -> list[Path]:
    return [*(private / "run").iterdir(), *(private / "tmp").iterdir()]


def test_a_freeze_that_is_interrupted(config_file: Path, private: Path, node_2: Host, node_3: Host) -> None:
    code = f"""{WITH_HANDLERS}{STOPPED_WHEN_FROZEN}try:
    cloud.get_service("memcached").freeze(nodes, sec=100)
{INTERRUPTED}"""
    subjects = [memcached(node_2), memcached(node_3)]
    before = set(own_files(private))
    with node_2.undone(), node_3.undone():
        child = Child(config_file, code)
        assert child.hear() == "frozen"
        wait_for(lambda: all(subject.frozen() for subject in subjects), "both are frozen", 5)
        child.process.send_signal(signal.SIGINT)
        status, said, error = child.end(within=30)
        assert not any("T" in subject.states() for subject in subjects), error
        assert all(subject.answers() for subject in subjects)
    assert status == -signal.SIGINT
    assert said.split() == ["same"]
    assert error.splitlines()[-1].startswith("KeyboardInterrupt")
    assert_nothing_is_left(config_file, private, before)


def test_a_host_that_hangs_is_not_waited_for(
    config_file: Path, lab: Lab, node_2: Host, node_3: Host, tmp_path: Path
) -> None:
    code = f"""
from os_faults.cli.interrupts import handled
nodes = cloud.get_nodes(fqdns=["node-2.domain.tld", "node-3.domain.tld"])
{STOPPED_WHEN_FROZEN}
with handled():
    cloud.get_service("memcached").freeze(nodes, sec=100)
"""
    with node_2.undone(within=20), node_3.undone(within=20):
        child = Child(config_file, code)
        assert child.hear() == "frozen"
        wait_for(lambda: memcached(node_2).frozen() and memcached(node_3).frozen(), "both are frozen", 20)
        lab.command("hang", "node-3", "on")
        try:
            child.process.send_signal(signal.SIGINT)
            lists = tmp_path / "runs"
            wait_for(lambda: any(lists.glob("*-list-*/artifacts/*/job_events/*")), "the healing has begun", 40)
            child.process.send_signal(signal.SIGINT)
            _status, _said, error = child.end(within=30)
        finally:
            lab.command("hang", "node-3", "off")
            subprocess.run([BIN / "os-faults", "-c", config_file, "heal"], check=True, timeout=60)
    assert f"{node_3.fqdn}: may hold freeze memcached service; the node takes it back by itself at " in error


def test_a_reboot_that_is_interrupted(config_file: Path, private: Path, node_2: Host, node_3: Host) -> None:
    code = f"""{WITH_HANDLERS}
say("now")
try:
    nodes.reboot()
{INTERRUPTED}"""
    boots = [node_2.boot_id(), node_3.boot_id()]
    before = set(own_files(private))
    child = Child(config_file, code)
    assert child.hear() == "now"
    wait_for(lambda: not node_3.answers_ssh(), "the host goes down", 30, pause=0.02)
    child.process.send_signal(signal.SIGINT)
    status, said, _error = child.end(within=15)
    assert status == -signal.SIGINT
    assert said.split() == ["same"]
    assert_nothing_is_left(config_file, private, before)
    for host, boot in zip((node_2, node_3), boots, strict=True):
        host.await_boot(boot)
    wait_for(lambda: mysql(node_2).answers() and memcached(node_3).answers(), "the services are back", 60)


def test_handlers_and_control_files_after_a_verb(config_file: Path, private: Path) -> None:
    code = f"""{WITH_HANDLERS}
cloud.get_service("memcached").restart(nodes)
say(json.dumps(handlers()))
"""
    before = set(own_files(private))
    assert Child(config_file, code).result() == "same"
    assert_nothing_is_left(config_file, private, before)


def test_two_verbs_at_once(cloud: Cloud, node_2: Host, node_3: Host) -> None:
    two, three = cloud.get_nodes(fqdns=[node_2.fqdn]), cloud.get_nodes(fqdns=[node_3.fqdn])
    with node_2.undone(), node_3.undone():
        in_two_threads(
            lambda: cloud.get_service("mysql").unplug(two), lambda: cloud.get_service("memcached").freeze(three, sec=60)
        )
        assert mysql(node_2).answering() == set()
        assert memcached(node_3).frozen()
        in_two_threads(
            lambda: cloud.get_service("mysql").plug(two), lambda: cloud.get_service("memcached").unfreeze(three)
        )
        assert mysql(node_2).answering() == mysql(node_2).everywhere
        assert memcached(node_3).answers()


def test_the_same_verb_at_once_is_one_fault(cloud: Cloud, node_3: Host) -> None:
    nodes = cloud.get_nodes(fqdns=[node_3.fqdn])
    service = cloud.get_service("memcached")
    with node_3.undone():
        in_two_threads(lambda: service.freeze(nodes, sec=30), lambda: service.freeze(nodes, sec=90))
        assert memcached(node_3).frozen()
        assert node_3.holds() == {"freeze-memcached": "active"}
        (fault,) = cloud.faults()
        assert fault.until - fault.since > 80, "the later end did not win"
        service.unfreeze(nodes)
        assert memcached(node_3).answers()


def in_two_threads(*verbs: Any) -> None:
    """Do two verbs at the same time; the error of either is raised."""
    errors: list[BaseException] = []
    start = threading.Barrier(len(verbs))

    def work(verb: Any) -> None:
        start.wait()
        try:
            verb()
        except BaseException as error:  # noqa: BLE001 - raised in the main thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(verb,)) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        raise error
