"""A fault that lasts is on the host: it is listed, healed, and ends, whatever happens to who made it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from getpass import getuser
from pathlib import Path
from socket import gethostname
from typing import Any

import pytest
from hostlab.child import Child
from hostlab.evidence import Evidence
from hostlab.observer import Host
from hostlab.subject import Subject, memcached, mysql
from hostlab.waiting import wait_for

from os_faults import AnsibleExecutionException, Cloud, Fault, NodeCollection, UndoError

UNIT = "os-faults-freeze-memcached.service"


@pytest.fixture
def frozen(node_3: Host, cloud: Cloud) -> Iterator[Subject]:
    """The memcached of the plain host, frozen for a minute; given back after the test."""
    subject = memcached(node_3)
    with node_3.undone():
        cloud.get_service("memcached").freeze(cloud.get_nodes(fqdns=[node_3.fqdn]), sec=60)
        assert subject.frozen()
        yield subject
        node_3.sh("systemctl stop 'os-faults-*'")


@pytest.fixture
def plain_node(cloud: Cloud, node_3: Host) -> NodeCollection:
    return cloud.get_nodes(fqdns=[node_3.fqdn])


WATCH = """
pid=$(systemctl show --property=MainPID --value memcached)
for state in T S; do
    until read -r _ _ now _ <"/proc/$pid/stat" && [ "$now" = "$state" ]; do
        sleep 0.01
    done
    cut -d ' ' -f 1 /proc/uptime
done
"""


@pytest.mark.case("u02")
def test_a_fault_lasts_as_long_as_asked(cloud: Cloud, node_3: Host, plain_node: NodeCollection) -> None:
    """By the clock of the host; a busy machine gets another chance."""
    for _ in range(3):
        with ThreadPoolExecutor() as threads:
            watching = threads.submit(node_3.sh, WATCH)
            host = cloud.get_service("memcached").freeze(plain_node, sec=2)[node_3.fqdn]
            began, ended = map(float, watching.result().split())
        now, uptime = map(float, node_3.sh("echo $(date +%s.%N) $(cut -d ' ' -f 1 /proc/uptime)").split())
        early = began + now - uptime - host.payload["since"]
        assert host.payload["until"] - host.payload["since"] == pytest.approx(2, abs=0.01)
        assert ended - began > 1.9
        if ended - began < 2.1 and abs(early) < 0.1:
            return
    pytest.fail(f"it began {early:.2f} s after it was said to, and lasted {ended - began:.2f} s")


@pytest.mark.case("f08")
def test_a_fault_that_was_ended_before_its_time_is_told_by_the_host(
    cloud: Cloud, node_3: Host, plain_node: NodeCollection
) -> None:
    log = f"journalctl --no-pager --output=cat --unit={UNIT} --since=@{node_3.sh('date +%s').strip()}"
    told = "freeze-memcached was not in force any more when its time was up"
    with node_3.undone():
        cloud.get_service("memcached").freeze(plain_node, sec=8)
        node_3.sh("kill -CONT $(pidof memcached)")
        assert the_fault(cloud).state == "not in force"
        assert told not in node_3.sh(log)
        wait_for(lambda: not node_3.records(), "its time is up", 20)
        wait_for(lambda: told in node_3.sh(log), "the host has told", 5)


@pytest.mark.case("f08")
def test_a_service_that_somebody_else_starts_is_not_terminated_any_more(
    cloud: Cloud, node_3: Host, plain_node: NodeCollection
) -> None:
    with node_3.undone():
        cloud.get_service("memcached").terminate(plain_node)
        assert the_fault(cloud).state == "terminated"
        node_3.sh("systemctl start memcached")
        assert the_fault(cloud).state == "not in force"
        healed = cloud.heal(["terminate-memcached"])[node_3.fqdn]
        assert any("it was not in force any more when it was undone" in note for note in healed.payload["notes"])


def the_fault(cloud: Cloud) -> Fault:
    (fault,) = cloud.faults()
    return fault


@pytest.fixture
def config_file(config: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "os-faults.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def test_listed_and_healed(cloud: Cloud, every_node: list[Host], config_file: Path, evidence: Evidence) -> None:
    node_1, node_2, node_3 = every_node
    before = [host.fingerprint() for host in every_node]
    one, two, three = (cloud.get_nodes(fqdns=[host.fqdn]) for host in every_node)
    began = time.time()
    cloud.get_service("memcached").freeze(three, sec=100)
    cloud.get_service("mysql").unplug(two, heal_after=200)
    cloud.get_service("rabbitmq").terminate(one)

    faults = {fault.node: fault for fault in cloud.faults()}
    told = {name: (fault.verb, fault.subject, fault.state) for name, fault in faults.items()}
    assert told == {
        node_1.fqdn: ("terminate", "rabbitmq", "terminated"),
        node_2.fqdn: ("unplug", "mysql", "injected"),
        node_3.fqdn: ("freeze", "memcached", "injected"),
    }
    assert len(cloud.faults()) == 3
    assert faults[node_1.fqdn].until is None
    assert began + 200 <= faults[node_2.fqdn].until <= time.time() + 200
    assert began + 100 <= faults[node_3.fqdn].until <= time.time() + 100
    assert all(began - 1 <= fault.since <= time.time() + 1 for fault in faults.values())
    assert {fault.by for fault in (faults[node_2.fqdn], faults[node_3.fqdn])} == {f"{getuser()}@{gethostname()}"}

    code = "say(json.dumps(sorted([f.node, f.verb, f.subject] for f in cloud.faults())))"
    elsewhere = Child(config_file, code, XDG_STATE_HOME=str(config_file.parent / "no memory")).result()
    assert elsewhere == sorted([name, verb, subject] for name, (verb, subject, _state) in told.items())

    healed = cloud.heal()
    assert {name for name in healed if healed[name].changed} == set(faults)
    assert cloud.faults() == []
    for host, state in zip(every_node, before, strict=True):
        host.await_fingerprint(state, within=60)
    assert memcached(node_3).answers()
    assert mysql(node_2).answers()
    assert not cloud.heal().changed
    evidence.seen("heal", "undid freeze, unplug and terminate on three nodes")
    evidence.undone("heal", "three hosts as before the faults")


def test_later_end_wins(frozen: Subject, cloud: Cloud, plain_node: NodeCollection) -> None:
    service = cloud.get_service("memcached")
    first = the_fault(cloud)
    service.freeze(plain_node, sec=5)
    assert the_fault(cloud).until == first.until
    service.freeze(plain_node, sec=200)
    assert 190 < the_fault(cloud).until - time.time() <= 200
    assert frozen.frozen()


def test_a_moved_end_is_kept_and_systemd_may_read_its_units_anew(
    cloud: Cloud, plain_node: NodeCollection, node_3: Host
) -> None:
    subject, service = memcached(node_3), cloud.get_service("memcached")
    with node_3.undone():
        first = service.freeze(plain_node, sec=6)[node_3.fqdn].payload["until"]
        until = service.freeze(plain_node, sec=10)[node_3.fqdn].payload["until"]
        assert until > first
        node_3.sh("systemctl daemon-reload && systemctl daemon-reexec")
        assert subject.frozen()
        wait_for(subject.answers, "it wakes up", until + 3 - time.time())
        assert time.time() > until - 1


@pytest.mark.parametrize(
    "how",
    [
        f"systemctl kill --signal=KILL --kill-whom=main {UNIT}",
        f"systemctl kill --signal=TERM {UNIT}",
        "systemctl stop 'os-faults-*'",
    ],
    ids=["SIGKILL of the waiter", "SIGTERM", "by hand at the host"],
)
def test_whatever_ends_the_unit_undoes_the_fault(frozen: Subject, cloud: Cloud, how: str) -> None:
    frozen.host.sh(how)
    wait_for(frozen.answers, "memcached runs on", 5)
    assert "T" not in frozen.states()
    assert cloud.faults() == []


def test_an_injection_that_fails_half_way_leaves_nothing(plain_node: NodeCollection, node_3: Host) -> None:
    mark = "/run/half-way"
    task = {
        "osf_hold": {
            "fault": "half",
            "subject": "way",
            "seconds": "60",
            "inject": [["touch", mark], ["false"], ["touch", mark + "-after"]],
            "undo": [["rm", "-f", mark]],
        }
    }
    with node_3.undone(), pytest.raises(AnsibleExecutionException, match=node_3.fqdn):
        plain_node.run_task(task)
    assert node_3.sh(f"ls {mark}* 2>/dev/null; true") == ""


def test_a_failed_undo_stays_listed_until_it_is_done(cloud: Cloud, plain_node: NodeCollection, node_3: Host) -> None:
    needed = "/run/undo-needs-this"
    task = {
        "osf_hold": {
            "fault": "stay",
            "subject": "here",
            "seconds": "60",
            "inject": [["true"]],
            "undo": [["rm", needed]],
        }
    }
    with node_3.undone():
        plain_node.run_task(task)
        with pytest.raises(UndoError, match=r"node-3.*stay-here"):
            cloud.heal()
        assert the_fault(cloud).state == "undo_failed"
        node_3.sh(f"touch {needed}")
        cloud.heal()
        assert cloud.faults() == []


def test_overlapping_faults_in_any_order(frozen: Subject, cloud: Cloud, plain_node: NodeCollection) -> None:
    service = cloud.get_service("memcached")
    service.unplug(plain_node)
    service.unfreeze(plain_node)
    assert "T" not in frozen.states()
    assert frozen.answering() == set(), "unplug is undone with the freeze"
    service.plug(plain_node)
    assert frozen.answering() == frozen.everywhere
