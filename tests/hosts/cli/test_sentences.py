"""Sentences on the hosts: what they say happens there, and nothing where one is not understood."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hostlab.command import Shell
from hostlab.observer import Host
from hostlab.subject import issues_token, keystone, memcached, mysql
from hostlab.waiting import wait_for

import os_faults
from os_faults import Cloud, SentenceError


@pytest.fixture
def shell(config: dict[str, Any], tmp_path: Path) -> Shell:
    (tmp_path / "os-faults.json").write_text(json.dumps(config), encoding="utf-8")
    return Shell(tmp_path)


def test_restart(shell: Shell, node_1: Host) -> None:
    subject = keystone(node_1)
    old = subject.processes()
    with node_1.undone():
        done = shell.inject_fault("-v", "Restart", "Keystone", "service")
        assert done.status == 0, done.err
        assert not old & subject.processes()
        wait_for(lambda: issues_token(node_1), "keystone issues a token", 60)
    assert "can be reached" in done.err


def test_freeze_for_a_time(cloud: Cloud, node_3: Host) -> None:
    subject = memcached(node_3)
    with node_3.undone():
        os_faults.human_api(cloud, f"freeze memcached service on {node_3.fqdn} node for 5 seconds")
        assert subject.frozen()
        wait_for(subject.answers, "memcached goes on by itself", 15)


def test_kill_on_one_node_that_runs_it(cloud: Cloud, every_node: list[Host]) -> None:
    subjects = [memcached(host) for host in every_node]
    down, *others = subjects
    service = cloud.get_service("memcached")
    service.terminate(cloud.get_nodes([down.host.fqdn]))
    try:
        before = [subject.processes() for subject in others]
        for _ in range(3):  # by chance it would have taken the one that is down
            os_faults.human_api(cloud, "kill memcached service on one node")
            wait_for(lambda: all(subject.answers() for subject in others), "systemd starts it again", 60)
        assert [subject.processes() for subject in others] != before
        assert not down.processes()
    finally:
        service.start()
    wait_for(down.answers, "memcached is back", 30)


def test_disconnect_and_connect(cloud: Cloud, every_node: list[Host]) -> None:
    def up() -> list[str]:
        words = "cat /sys/class/net/{}/operstate"
        return [host.name for host in every_node if host.sh(words.format(host.storage_interface)) == "up"]

    everybody = up()
    assert everybody == [host.name for host in every_node]
    os_faults.human_api(cloud, "disconnect storage network on one node with keystone service")
    assert up() == everybody[1:]
    os_faults.human_api(cloud, "connect storage network on nodes with keystone service")
    assert up() == everybody


def test_a_disk_on_a_node_with_a_service(cloud: Cloud, node_2: Host) -> None:
    mysqls = cloud.get_service("mysql").get_nodes().get_fqdns()
    assert node_2.fqdn in mysqls
    with node_2.undone(within=30):
        sentence = f"make read_only on {node_2.fqdn} node"
        with pytest.raises(SentenceError):
            os_faults.human_api(cloud, sentence)
        node_2.sh("mkdir -p /srv/said")
        os_faults.human_api(cloud, f"read only {node_2.fqdn} node with mysql service with path /srv/said")
        assert node_2.sh("touch /srv/said/x 2>&1 || echo refused").endswith("refused")
        os_faults.human_api(cloud, f"read write {node_2.fqdn} node with path /srv/said")
        node_2.sh("touch /srv/said/x; rm -r /srv/said")


@pytest.mark.parametrize(
    "sentence",
    [
        "please do not restart memcached service",
        "restart memcached service on one of nodes",
        "restart memcached service on node-9.domain.tld",
        "reboot nodes with memcached",
        "freeze memcached service for 5s",
        "unplug memcached service sideways to mysql service",
        "stress everything nodes",
        "kill memcached",
    ],
)
def test_refused(shell: Shell, every_node: list[Host], sentence: str) -> None:
    def state() -> list[Any]:
        subjects = [make(host) for host in every_node for make in (memcached, mysql, keystone)]
        return [*((s.processes(), s.states()) for s in subjects), *((h.boot_id(), h.holds()) for h in every_node)]

    before = state()
    done = shell.inject_fault(*sentence.split())
    assert done.status == 2, done.err
    assert len(done.err.strip().splitlines()) == 1, done.err
    assert state() == before
