"""A service is started and stopped: DevStack's own unit as root, mysql as stack with become, memcached."""

from __future__ import annotations

import pytest
from hostlab.evidence import Evidence
from hostlab.observer import Host
from hostlab.subject import Subject, issues_token, memcached
from hostlab.waiting import wait_for

from os_faults import Cloud, NodeCollection, Service


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


def test_one_node_of_many(cloud: Cloud, every_node: list[Host]) -> None:
    service = cloud.get_service("memcached")
    assert service.get_nodes().get_fqdns() == [host.fqdn for host in every_node]
    picked = service.get_nodes().pick()
    before = {host.fqdn: memcached(host).processes() for host in every_node}
    service.restart(picked)
    after = {host.fqdn: memcached(host).processes() for host in every_node}
    assert [name for name in before if before[name] != after[name]] == picked.get_fqdns()
