"""A service is started and stopped: DevStack's own unit as root, mysql as stack with become, memcached."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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


DEPENDENT = {
    "requires": "Requires=memcached.service",
    "bound": "BindsTo=memcached.service",
    "part": "PartOf=memcached.service",
    "second": "Requires=osf-requires.service",
    "idle": "Requires=memcached.service",
    "wants": "Wants=memcached.service",
}
"""Units beside memcached: what each has to do with it. All but the idle one are up."""


@pytest.fixture(scope="module")
def dependent(node_3: Host) -> Iterator[Callable[[], set[str]]]:
    """Return which units beside memcached are up."""
    for name, relation in DEPENDENT.items():
        text = f"[Unit]\\n{relation}\\nAfter=memcached.service\\n[Service]\\nExecStart=/bin/sleep infinity\\n"
        node_3.sh(f"printf '{text}' >/etc/systemd/system/osf-{name}.service")
    node_3.sh("systemctl daemon-reload; systemctl start osf-requires osf-bound osf-part osf-second osf-wants")

    def up() -> set[str]:
        states = node_3.sh(f"systemctl is-active {' '.join(f'osf-{name}' for name in DEPENDENT)} || :").split()
        return {name for name, state in zip(DEPENDENT, states, strict=True) if state == "active"}

    yield up
    node_3.sh("systemctl stop 'osf-*.service'; rm /etc/systemd/system/osf-*.service; systemctl daemon-reload")


@pytest.mark.case("f09")
@pytest.mark.parametrize("undo", ["heal", "start", "restart"])
def test_what_systemd_stops_with_a_service_comes_back_with_it(
    cloud: Cloud, node_3: Host, dependent: Callable[[], set[str]], undo: str
) -> None:
    before = {"requires", "bound", "part", "second", "wants"}
    assert dependent() == before
    nodes = cloud.get_nodes([node_3.fqdn])
    memcached_service = cloud.get_service("memcached")
    planned = cloud.preview(memcached_service.action("terminate", nodes)).told[node_3.fqdn]
    assert dependent() == before
    stopped = memcached_service.terminate(nodes)[node_3.fqdn]
    assert dependent() == {"wants"}
    told = "systemd stops osf-bound.service, osf-part.service, osf-requires.service, osf-second.service with it"
    assert [note.partition(";")[0] for note in stopped.payload["notes"]] == [told]
    assert told in [note.partition(";")[0] for note in planned]
    if undo == "heal":
        cloud.heal()
    else:
        getattr(memcached_service, undo)(nodes)
    assert dependent() == before
    assert node_3.active("memcached") == "active"
    assert node_3.records() == []
