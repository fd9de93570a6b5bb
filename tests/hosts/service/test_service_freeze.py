"""A service is frozen: it has its processes, and answers nobody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from hostlab.evidence import Evidence
from hostlab.kinds import cloud_of, here
from hostlab.lab import Lab
from hostlab.observer import Host
from hostlab.subject import Subject, keystone, memcached, mysql
from hostlab.waiting import wait_for

from os_faults import AnsibleExecutionException, Cloud, NodeCollection, Service, connect


@pytest.mark.case("D10", "D14")
def test_freeze_and_unfreeze(subject: Subject, service: Service, nodes: NodeCollection, evidence: Evidence) -> None:
    running = subject.processes()
    with subject.host.undone():
        assert service.freeze(nodes, sec=60).changed
        assert subject.frozen(), subject.states()
        assert subject.processes() == running
        assert subject.connects(), "the kernel accepts connections for it"
        assert not subject.answers(), "a frozen service answers"

        service.freeze(nodes, sec=60)
        assert subject.frozen()
        assert list(subject.host.holds().values()) == ["active"]

        assert service.unfreeze(nodes).changed
        wait_for(subject.answers, f"{subject.service} answers", 10)
        assert "T" not in subject.states()
        assert not service.unfreeze(nodes).changed
        assert subject.processes() == running
    evidence.seen("freeze", f"{subject.service}: all {len(running)} processes in state T, a client hangs")
    evidence.undone("freeze", "by unfreeze; same processes run on, host as before")
    evidence.seen("unfreeze", f"{subject.service} answers")
    evidence.undone("unfreeze", "unit and record gone, host as before")


@pytest.mark.case("D11")
def test_freeze_ends_by_itself(cloud: Cloud, node_1: Host, evidence: Evidence) -> None:
    subject = keystone(node_1)
    with node_1.undone():
        cloud.get_service("keystone").freeze(cloud.get_nodes(fqdns=[node_1.fqdn]), sec=4)
        frozen_at = time.monotonic()
        assert subject.frozen()
        wait_for(subject.answers, "keystone wakes up by itself", 8)
        slept = time.monotonic() - frozen_at
        assert 1 < slept < 7
    evidence.undone("freeze", f"by its time of 4 s, {slept:.1f} s after the call")


@pytest.mark.parametrize(("name", "make"), [("memcached", memcached), ("mysql", mysql)])
def test_all_nodes_at_once(cloud: Cloud, every_node: list[Host], name: str, make: Any) -> None:
    service = cloud.get_service(name)
    names = service.get_nodes().get_fqdns()
    subjects = [make(host) for host in every_node if host.fqdn in names]
    assert len(subjects) == {"memcached": 3, "mysql": 2}[name]
    result = service.freeze(sec=60)
    assert sorted(result) == names
    assert all(subject.frozen() for subject in subjects)
    service.unfreeze()
    for subject in subjects:
        wait_for(subject.answers, f"{name} on {subject.host.name} answers", 10)


@pytest.fixture(params=["matrix-13", "matrix-sid"])
def modern(request: pytest.FixtureRequest, lab: Lab) -> Host:
    """A host with version 2 of control groups, whose freezer stops a service as a whole."""
    if request.param not in here(lab):
        pytest.skip("the lab is without this host, as its release has no mirror here")
    return here(lab)[request.param]


@pytest.fixture
def modern_cloud(modern: Host, universal_config: dict[str, Any]) -> Iterator[Cloud]:
    with connect(cloud_of([modern], universal_config)) as cloud:
        yield cloud
        cloud.heal()


@pytest.fixture
def modern_service(modern_cloud: Cloud) -> Service:
    return modern_cloud.get_service("memcached")


def test_by_the_freezer(modern: Host, modern_cloud: Cloud, modern_service: Service) -> None:
    """Nobody is kept from ending what is frozen, and what begins then is not."""
    subject = memcached(modern)
    with modern.undone():
        frozen = modern_service.freeze(sec=60)
        assert [result.payload["facts"]["way"] for result in frozen.values()] == ["freezer"]
        assert "T" not in subject.states()
        assert not subject.answers()
        assert not modern_service.freeze(sec=30).changed
        assert modern_service.unfreeze().changed
        wait_for(subject.answers, "memcached answers", 10)
        modern_service.freeze(sec=60)
        modern.sh("echo 0 >/sys/fs/cgroup/system.slice/memcached.service/cgroup.freeze")
        assert [fault.state for fault in modern_cloud.faults()] == ["not in force"]
        assert modern_service.freeze(sec=60).changed
        assert [fault.state for fault in modern_cloud.faults()] == ["injected"]
        modern.sh("systemctl kill --signal=KILL memcached; sleep 1; timeout 20 systemctl restart memcached")
        wait_for(subject.answers, "the new memcached answers", 10)
        modern_service.unfreeze()


def test_what_somebody_else_has_frozen_is_left_alone(modern: Host, modern_service: Service) -> None:
    subject = memcached(modern)
    with modern.undone():
        modern.sh("systemctl freeze memcached")
        with pytest.raises(AnsibleExecutionException, match="frozen already, and not by os_faults"):
            modern_service.freeze(sec=60)
        modern.sh("systemctl thaw memcached")
        assert subject.answers(), "a SIGSTOP was left pending"


def test_kill_of_a_frozen_service(cloud: Cloud, node_1: Host) -> None:
    subject = keystone(node_1)
    service = cloud.get_service("keystone")
    old = subject.processes()
    with node_1.undone(within=30):
        service.freeze(sec=60)
        service.kill()
        assert not old & subject.processes(), "stopped processes survive a kill"
        wait_for(subject.answers, "the new keystone answers", 60)
        assert "T" not in subject.states(), "the new processes are not the frozen ones"
        service.unfreeze()
