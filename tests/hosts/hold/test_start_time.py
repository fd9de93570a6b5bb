"""Faults that begin on several hosts at one start time. Their begin is seen on the hosts, by their own clocks."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hostlab.child import Child
from hostlab.command import Shell
from hostlab.observer import Host
from hostlab.subject import memcached
from hostlab.waiting import wait_for

from os_faults import Cloud, NodeCollection, PartlyDone
from os_faults.errors import AnsibleExecutionException

SOON = 12.0
"""Seconds until the start time: a machine that is busy with other things gets ready in time."""

NEAR = 1.0
"""Seconds by which a begin may be seen after its start time, on the same machine. As a rule it is a tenth of it."""

_STOPS = """
pid=$(pidof memcached)
until grep -q '^State:.T' "/proc/$pid/status"; do sleep 0.02; done
date +%s.%N
"""
_LAST_ANSWER = "ping -n -D -i 0.05 -w {seconds} {address} | sed -n 's/^\\[\\([0-9.]*\\)\\].*/\\1/p' | tail -n 1"


@contextmanager
def seen(script: str, *hosts: Host) -> Iterator[list[Future[str]]]:
    """Let hosts look for something while the block runs; each prints when it saw it."""
    with ThreadPoolExecutor(len(hosts)) as threads:
        yield [threads.submit(host.sh, script, within=90) for host in hosts]


def assert_began_at(start: float, times: list[Future[str]]) -> None:
    began = [float(each.result()) for each in times]
    print("began after the start time, in seconds:", [round(each - start, 3) for each in began])
    assert all(start <= each < start + NEAR for each in began), (start, began)


@pytest.fixture
def three(node_1: Host, node_2: Host, node_3: Host) -> list[Host]:
    return [node_1, node_2, node_3]


@pytest.fixture
def nodes(cloud: Cloud, three: list[Host]) -> NodeCollection:
    return cloud.get_nodes(fqdns=[host.fqdn for host in three])


@pytest.fixture
def config_file(config: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "os-faults.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def states(hosts: list[Host]) -> str:
    return "".join(memcached(host).states() for host in hosts)


def test_three_hosts_freeze_at_once(cloud: Cloud, three: list[Host], node_1: Host, node_2: Host, node_3: Host) -> None:
    start = datetime.fromtimestamp(time.time() + SOON, UTC)
    with node_1.undone(), node_2.undone(), node_3.undone():
        with seen(_STOPS, *three) as times:
            result = cloud.get_service("memcached").freeze(sec=40, at=start)
        assert_began_at(start.timestamp(), times)
        for host in result.values():
            told = host.payload
            assert (told["state"], told["at"]) == ("injected", pytest.approx(start.timestamp(), abs=0.01))
            assert 0 <= told["late"] < NEAR
            assert abs(told["clock_ahead"]) < told["clock_within"] + 0.1
        assert {fault.state for fault in cloud.faults()} == {"injected"}
        cloud.heal()
        assert "T" not in states(three)


def test_two_hosts_are_cut_off_from_a_third_at_once(cloud: Cloud, node_1: Host, node_2: Host, node_3: Host) -> None:
    two = cloud.get_nodes(fqdns=[node_1.fqdn, node_3.fqdn])
    with node_1.undone(), node_3.undone():
        ping = _LAST_ANSWER.format(seconds=round(SOON) + 12, address=node_2.address)
        with seen(ping, node_1, node_3) as times:
            result = two.partition(cloud.get_nodes(fqdns=[node_2.fqdn]), at=SOON, heal_after=60)
            start = result.action.arguments["at"]
            assert start <= time.time()
        assert_began_at(start - 0.2, times)  # the last answer is older than the cut
        cloud.heal()


def test_a_network_with_the_session_is_cut_with_start_time(cloud: Cloud, node_3: Host) -> None:
    nodes = cloud.get_nodes(fqdns=[node_3.fqdn])
    look = "until ip link show host0 | grep -q DOWN; do sleep 0.02; done; date +%s.%N"
    with node_3.undone(within=60):
        with seen(look, node_3.over_storage) as times:
            result = nodes.disable_network("management", heal_after=20, at=SOON)
        assert_began_at(result.action.arguments["at"], times)
        assert not node_3.answers_ssh()
        wait_for(node_3.answers_ssh, "it heals itself", 60)
        assert time.time() > result.action.arguments["at"] + 15


def test_what_ends_by_itself_at_once_is_over_when_the_verb_returns(cloud: Cloud, node_3: Host) -> None:
    with node_3.undone():
        result = cloud.get_nodes(fqdns=[node_3.fqdn]).oom(20, at=SOON)
        told = result[node_3.fqdn].payload
        assert (told["state"], told["facts"]["oom_killed"]) == ("absent", "true")
        assert time.time() > result.action.arguments["at"]
        assert node_3.records() == []


def test_a_clock_that_is_wrong_moves_the_start_time(cloud: Cloud, node_3: Host) -> None:
    """The host's idea of the time is set ahead as `skew_clock` of another run would: there is no clock of its own."""
    directory = "/run/os-faults/skew_clock-clock"
    ahead = "up=$(cut -d ' ' -f 1 /proc/uptime | tr -d .); echo $(($(date +%s) * 100 + 500 - up)) >epoch"
    nodes = cloud.get_nodes(fqdns=[node_3.fqdn])
    with node_3.undone():
        node_3.sh(f"mkdir -m 700 -p /run/os-faults {directory} && cd {directory} && {ahead}")
        try:
            with seen(_STOPS, node_3) as times:
                result = cloud.get_service("memcached").freeze(nodes, sec=30, at=SOON)
            assert_began_at(result.action.arguments["at"], times)
            told = result[node_3.fqdn].payload
            assert told["moved"]
            assert told["clock_ahead"] == pytest.approx(5, abs=1.5)  # `date` tells whole seconds
            assert "ahead of the controller's, so its start time was moved by that" in told["notes"][0]
        finally:
            node_3.sh(f"rm -rf {directory}")
            cloud.heal()


def test_one_host_that_can_not_be_armed_keeps_all_from_beginning(
    cloud: Cloud, three: list[Host], node_1: Host, node_2: Host, node_3: Host
) -> None:
    with node_1.undone(), node_2.undone(), node_3.undone():
        node_2.sh("systemctl stop memcached")
        try:
            with pytest.raises(AnsibleExecutionException) as caught:
                cloud.get_service("memcached").freeze(sec=40, at=SOON)
            start = caught.value.result.action.arguments["at"]
            assert "the service is not running on this host" in caught.value.result[node_2.fqdn].message
            for host in (node_1, node_3):
                why = caught.value.result[host.fqdn].message
                assert f"every node or on none: it could not be armed on {node_2.fqdn}" in why
                assert host.records() == []
            time.sleep(max(0.0, start + 1 - time.time()))
            assert "T" not in states([node_1, node_3])
        finally:
            node_2.sh("systemctl start memcached")
    assert not isinstance(caught.value, PartlyDone)


@contextmanager
def armed(config_file: Path, hosts: list[Host], arguments: str) -> Iterator[Child]:
    """Let a controller of its own freeze memcached at a start time; yield it when all hosts know that all are armed."""
    child = Child(config_file, f'say("now")\ncloud.get_service("memcached").freeze({arguments})\n')
    assert child.hear() == "now"
    for host in hosts:
        host.await_true("[ -e /run/os-faults/freeze-memcached/released ]", "it is armed", 40)
    yield child


def test_ctrl_c_disarms(config_file: Path, three: list[Host], node_1: Host, node_2: Host, node_3: Host) -> None:
    with node_1.undone(), node_2.undone(), node_3.undone(), armed(config_file, three, "sec=40, at=40") as child:
        child.process.send_signal(signal.SIGINT)
        status, _, error = child.end(within=40)
        assert status == -signal.SIGINT, error
        assert all(host.records() == [] for host in three)
        assert "T" not in states(three)


def test_a_controller_that_dies_leaves_what_was_armed_everywhere(
    config_file: Path, three: list[Host], node_1: Host, node_2: Host, node_3: Host
) -> None:
    with node_1.undone(), node_2.undone(), node_3.undone(), armed(config_file, three, "sec=8, at=20") as child:
        child.process.kill()
        child.end()
        for host in three:
            host.await_true("[ -e /run/os-faults/freeze-memcached/begun ]", "it begins", 40)
        wait_for(lambda: not any(host.records() for host in three), "it heals by itself", 40)
        assert "T" not in states(three)
    # The next one that connects tidies up after the one that was killed.
    assert Shell(config_file.parent).os_faults("heal").status == 0


def test_the_command_line_takes_a_start_time(config_file: Path, node_3: Host) -> None:
    shell = Shell(config_file.parent)
    with node_3.undone():
        with seen(_STOPS, node_3) as times:
            begin = time.time()
            words = ["freeze", "memcached", "--on", node_3.fqdn, "--seconds", "30", "--at", f"{SOON:.0f}s"]
            done = shell.os_faults("--output", "json", "inject", *words)
        assert done.status == 0, done.err
        (told,) = done.json["nodes"]
        assert told["detail"]["state"] == "injected"
        assert "s after its start time" in told["message"]
        assert begin + SOON <= float(times[0].result()) < begin + SOON + 20
        assert shell.os_faults("heal").status == 0
