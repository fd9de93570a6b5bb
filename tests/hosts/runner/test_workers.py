"""Runs that two workers of the lab do, each with its share of the nodes, and what happens when one of them dies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hostlab.lab import Lab
from hostlab.observer import Host
from hostlab.waiting import wait_for
from hostlab.wide import Wide

from os_faults import AnsibleExecutionUnreachable, PartlyUnreachable, Status, connect

FEW = 4
SECRET = "careful-secret"
WHO = {"ansible.builtin.shell": "echo ${SSH_CONNECTION%% *} $(id -un)"}
SLOW = {"ansible.builtin.command": "sleep 8"}


@pytest.fixture(scope="module")
def workers(lab: Lab) -> list[Host]:
    return [Host(lab, "worker-1"), Host(lab, "worker-2")]


@pytest.fixture
def config(wide: Wide, base_config: dict[str, Any], workers: list[Host]) -> dict[str, Any]:
    """The configuration of a few light hosts, done by both workers."""
    key = {"private_key_file": wide.lab.key}
    return {
        **wide.config(base_config, FEW),
        "workers": [
            {"address": worker.fqdn, "username": wide.lab.node(worker.name)["user"], **key} for worker in workers
        ],
    }


@contextmanager
def power_off(lab: Lab, host: Host) -> Iterator[None]:
    """Let a host lose its power at once, and give it back at the end."""
    lab.command("power", host.name, "off")
    yield
    lab.command("power", host.name, "on")
    lab.command("wait", host.name)


def left_on(worker: Host) -> str:
    """Return what is left of runs on a worker."""
    return worker.sh("ls /dev/shm; pgrep -af '[a]nsible' || true").strip()


def test_each_does_its_share(config: dict[str, Any], wide: Wide, workers: list[Host], node_2: Host) -> None:
    """One of the nodes takes a password for sudo: it travels, and stays nowhere."""
    login = {"username": "careful", "private_key_file": wide.lab.key, "become": True, "become_password": SECRET}
    config["node_discover"]["args"].append(
        {"ip": node_2.address, "fqdn": node_2.fqdn, "mac": "52:54:00:77:00:0c", "auth": login}
    )
    config["workers"][1]["nodes"] = ["wide-00[12].*", node_2.fqdn]
    first, second = (f"{worker.address} root" for worker in workers)
    with connect(config) as cloud:
        asked = cloud.get_nodes().run_task(WHO)
        assert {name: host.stdout for name, host in asked.items()} == {
            "wide-001.domain.tld": second,
            "wide-002.domain.tld": second,
            "wide-003.domain.tld": first,
            "wide-004.domain.tld": first,
            node_2.fqdn: "root",  # sudo does not hand on where one came from
        }
        service = cloud.get_service("memcached")
        light = cloud.get_nodes([host["fqdn"] for host in wide.hosts[:FEW]])
        before = wide.processes(FEW)
        restarted = service.restart(light)
        after = wide.processes(FEW)
        assert all(after[name] not in (None, process) for name, process in before.items())
        service.freeze(light)
        assert set(wide.processes(FEW).values()) == {None}
        cloud.heal()
        assert wide.processes(FEW) == after
        assert cloud.faults() == []
    run = Path(str(restarted.artifacts))
    events = [json.loads(path.read_text()) for path in (run / "artifacts/run/job_events").iterdir()]
    assert sorted(event["counter"] for event in events) == list(range(1, len(events) + 1))
    assert {event["worker"] for event in events} == {worker.fqdn for worker in workers}
    assert (run / "artifacts/run/status").read_text() == "successful"
    assert (run / "artifacts/run/rc").read_text() == "0"
    assert (run / "artifacts/run/stdout").read_text().count("PLAY RECAP") == len(workers)
    record = json.loads((run / "os_faults.json").read_text())
    assert {worker: len(nodes) for worker, nodes in record["workers"].items()} == {w.fqdn: 2 for w in workers}
    kept = [path for path in Path(str(asked.artifacts)).rglob("*") if path.is_file()]
    assert not [path for path in kept if SECRET in path.read_text(errors="replace")]
    assert [left_on(worker) for worker in workers] == ["", ""]


def test_a_worker_that_dies_is_told_with_its_nodes(config: dict[str, Any], wide: Wide, workers: list[Host]) -> None:
    """What it injected before ends at its time, as the hosts need nobody for that."""
    dying = workers[1]
    with connect(config) as cloud:
        cloud.get_service("memcached").freeze(sec=25)
        assert set(wide.processes(FEW).values()) == {None}
        its: set[str] = set()
        with ExitStack() as stack:

            def watch(event: dict[str, Any]) -> None:
                if event["event"] == "runner_on_start" and event["worker"] == dying.fqdn:
                    if not its:
                        stack.enter_context(power_off(wide.lab, dying))
                    its.add(event["event_data"]["host"])

            cloud.watch = watch
            with pytest.raises(PartlyUnreachable, match=dying.fqdn) as told:
                cloud.get_nodes().run_task(SLOW)
            failures = told.value.result.failures
            assert len(failures) == FEW / 2
            assert its <= {host.node for host in failures}
            assert {host.status for host in failures} == {Status.UNREACHABLE}
            wait_for(lambda: None not in wide.processes(FEW).values(), "all services go on by themselves", 60)


def test_an_interrupted_run_leaves_nothing_on_a_worker(config: dict[str, Any], workers: list[Host]) -> None:
    with connect(config) as cloud:

        def watch(event: dict[str, Any]) -> None:
            if event["event"] == "runner_on_start":
                raise KeyboardInterrupt

        nodes = cloud.get_nodes()
        cloud.watch = watch
        with pytest.raises(KeyboardInterrupt):
            nodes.run_task({"ansible.builtin.command": "sleep 300"})
        wait_for(lambda: [left_on(worker) for worker in workers] == ["", ""], "nothing of the run is left", 15)


def test_a_worker_without_ansible_says_so(config: dict[str, Any], workers: list[Host]) -> None:
    config["workers"] = [{**config["workers"][0], "ansible_runner": "/opt/none/ansible-runner"}]
    with connect(config) as cloud, pytest.raises(AnsibleExecutionUnreachable) as told:
        cloud.get_nodes()
    assert workers[0].fqdn in str(told.value)
    assert "/opt/none/ansible-runner" in str(told.value)
