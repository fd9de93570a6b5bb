"""Each service verb on a service of each host: DevStack's own unit as root, mysql as stack with become, memcached."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hostlab import clients
from hostlab.evidence import Evidence
from hostlab.observer import Host, OpenConnection
from hostlab.subject import Subject, issues_token, keystone, memcached, mysql
from hostlab.waiting import wait_for

from os_faults import AnsibleExecutionException, Cloud, NodeCollection, Service


@pytest.mark.case("D06", "D25")
def test_restart(subject: Subject, service: Service, nodes: NodeCollection, evidence: Evidence) -> None:
    old = subject.processes()
    with subject.host.undone():
        with subject.watch() as watch:
            result = service.restart(nodes)
            watch.await_answer(within=60)
        new = subject.processes()
        assert new
        assert not old & new
        assert result[subject.host.fqdn].changed
        assert set(result[subject.host.fqdn].payload["pids_before"]) == {process.pid for process in old}

        service.restart(nodes)
        assert not new & subject.processes()
        wait_for(subject.answers, f"{subject.service} answers", 60)
    if subject.service == "keystone":
        took = wait_for(lambda: issues_token(subject.host), "keystone issues a token", 60)
        evidence.seen("restart", f"keystone: new processes, away {watch.outage:.1f} s, a token {took:.1f} s later")
        evidence.undone("restart", "keystone issues tokens, host as before")


@pytest.mark.case("D08", "D14")
def test_kill(subject: Subject, service: Service, nodes: NodeCollection, evidence: Evidence) -> None:
    old = subject.processes()
    with subject.host.undone(within=30):
        with subject.watch() as watch:
            result = service.kill(nodes)
            assert not old & subject.processes(), "an old process is still there"
            wait_for(lambda: subject.host.active(subject.unit) == "active", "systemd starts it again", 60)
            watch.await_answer(within=60)
        assert watch.outage > 0
        answer = result[subject.host.fqdn]
        assert answer.changed
        assert set(answer.payload["pids_before"]) == {process.pid for process in old}
        assert any(f"systemd restarts {subject.unit}" in note for note in answer.payload["notes"]), answer.payload

        again = subject.processes()
        service.kill(nodes)
        assert not again & subject.processes()
        wait_for(subject.answers, "systemd starts it again", 60)
    evidence.seen("kill", f"{subject.service}: every old pid gone, a client had no answer for {watch.outage:.1f} s")
    evidence.undone("kill", "systemd started it again, as the result says; host as before")


@pytest.mark.case("D05", "D07", "D25")
def test_terminate_and_start(subject: Subject, service: Service, nodes: NodeCollection, evidence: Evidence) -> None:
    with subject.host.undone():
        assert service.terminate(nodes).changed
        assert subject.host.active(subject.unit) in ("inactive", "failed")
        assert not subject.processes()
        assert not subject.connects()
        assert subject.host.records() == [f"terminate-{subject.service}"]

        assert not service.terminate(nodes).changed
        assert subject.host.records() == [f"terminate-{subject.service}"]

        assert service.start(nodes).changed
        assert subject.host.active(subject.unit) == "active"
        wait_for(subject.answers, f"{subject.service} answers", 60)
        assert subject.host.records() == []
        running = subject.processes()
        assert not service.start(nodes).changed
        assert subject.processes() == running
    evidence.seen("terminate", f"{subject.service}: unit down, no process, connection refused")
    evidence.undone("terminate", "by start; record closed, host as before")
    evidence.seen("start", f"{subject.service}: unit active, answers")
    evidence.undone("start", "service runs, host as before")


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


@pytest.mark.case("D17", "D19")
def test_unplug_and_plug(subject: Subject, service: Service, nodes: NodeCollection, evidence: Evidence) -> None:
    host = subject.host
    assert subject.answering() == subject.everywhere
    tables = set(host.sh("nft list tables").splitlines())
    with host.undone():
        assert service.unplug(nodes).changed
        assert subject.answering() == set()
        (own,) = set(host.sh("nft list tables").splitlines()) - tables
        assert own.startswith("table inet osf_unplug_"), own
        assert host.answers_ssh(), "another port is cut"
        if subject.service != "memcached":
            assert memcached(host).answering() == memcached(host).everywhere, "another service is cut"

        service.unplug(nodes)
        assert subject.answering() == set()
        assert set(host.sh("nft list tables").splitlines()) - tables == {own}

        assert service.plug(nodes).changed
        assert subject.answering() == subject.everywhere
        assert not service.plug(nodes).changed
    evidence.seen("unplug", f"{subject.service}: no answer here nor on the host, IPv4 and IPv6; {own}")
    evidence.undone("unplug", "by plug; table gone, host as before")
    evidence.seen("plug", f"{subject.service} answers at all {len(subject.everywhere)} addresses")
    evidence.undone("plug", "unit, record and table gone, host as before")


def test_unplug_cuts_open_connections(cloud: Cloud, node_3: Host, evidence: Evidence) -> None:
    subject = memcached(node_3)
    service, nodes = cloud.get_service("memcached"), cloud.get_nodes(fqdns=[node_3.fqdn])
    here = ["python3", clients.__file__, "open", "memcached", "11211"]
    with (
        node_3.undone(),
        OpenConnection([*here, node_3.address]) as over_ipv4,
        OpenConnection([*here, node_3.address6]) as over_ipv6,
        OpenConnection(node_3.client("open", "memcached", 11211, "127.0.0.1")) as on_host,
    ):
        opened = [over_ipv4, over_ipv6, on_host]
        assert all(connection.answers() for connection in opened)
        service.unplug(nodes)
        assert not any(connection.answers() for connection in opened)
        service.plug(nodes)
        wait_for(subject.answers, "memcached answers", 5)
    evidence.seen("unplug", "open connections (IPv4, IPv6, loopback) cut too")


def test_unplug_of_a_unix_socket_is_refused(cloud: Cloud, node_1: Host) -> None:
    with node_1.undone(), pytest.raises(AnsibleExecutionException) as refusal:
        cloud.get_service("placement-api").unplug()
    assert "listens on unix socket" in str(refusal.value)
    assert "unplug horizon" in str(refusal.value) or "apache2" in str(refusal.value)
    assert node_1.fqdn in str(refusal.value)


def test_one_node_of_many(cloud: Cloud, every_node: list[Host]) -> None:
    service = cloud.get_service("memcached")
    assert service.get_nodes().get_fqdns() == [host.fqdn for host in every_node]
    picked = service.get_nodes().pick()
    before = {host.fqdn: memcached(host).processes() for host in every_node}
    service.restart(picked)
    after = {host.fqdn: memcached(host).processes() for host in every_node}
    assert [name for name in before if before[name] != after[name]] == picked.get_fqdns()


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
