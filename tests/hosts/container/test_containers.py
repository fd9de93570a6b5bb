"""Containers of a real podman: each verb on the one that is meant, and on nobody who is called much like it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hostlab import clients, podman
from hostlab.evidence import Evidence
from hostlab.observer import Host
from hostlab.stage import at_once
from hostlab.waiting import wait_for

from os_faults import AnsibleExecutionException, Cloud, Container, NodeCollection, connect, human_api

WEB, TWIN, MANAGED = 8071, 8072, 8073
_CREATE = (
    podman.PREPARE
    + f"""
web web {WEB}
web web_twin {TWIN}
podman start web web_twin >/dev/null
kolla managed {MANAGED}
"""
)


@pytest.fixture(scope="module")
def owners(cluster: list[Host]) -> Iterator[list[Host]]:
    """The first host, of root, and the third, where stack becomes root, with the containers."""
    owners = [cluster[0], cluster[2]]
    try:
        at_once(lambda host: host.sh(_CREATE), owners)
        yield owners
    finally:
        at_once(lambda host: host.sh(podman.REMOVE, check=False), owners)


@pytest.fixture(scope="module")
def cloud(universal_config: dict[str, Any], owners: list[Host]) -> Iterator[Cloud]:
    containers = {
        "web": {"driver": "podman"},
        "old": {"driver": "docker_container", "args": {"container_name": "web_twin"}},
        "managed": {"driver": "podman"},
    }
    with connect({**universal_config, "containers": containers}, seed=1) as cloud:
        yield cloud
        cloud.heal()


@pytest.fixture
def host(owners: list[Host]) -> Host:
    return owners[1]


@pytest.fixture
def nodes(cloud: Cloud, host: Host) -> NodeCollection:
    return cloud.get_nodes(fqdns=[host.fqdn])


@pytest.fixture
def web(cloud: Cloud, host: Host) -> Iterator[Container]:
    yield cloud.get_container("web")
    assert answers(host, WEB)
    assert answers(host, TWIN), "another container was hit"


def answers(host: Host, port: int) -> bool:
    return clients.answers("http", host.address, port)


def status(host: Host, name: str = "web") -> str:
    return host.sh(f"podman inspect --format '{{{{.State.Status}}}}' {name}")


def test_it_is_on_the_nodes_that_have_it(cloud: Cloud, web: Container, owners: list[Host]) -> None:
    for name in ("web", "old", "managed"):
        assert cloud.get_container(name).get_nodes().get_fqdns() == [host.fqdn for host in owners]
    assert len(web.get_nodes(running=True)) == 2


@pytest.mark.case("D30")
def test_terminate_and_start(cloud: Cloud, web: Container, nodes: NodeCollection, host: Host) -> None:
    with host.undone():
        assert human_api(cloud, f"terminate web container on {host.fqdn} node").changed
        assert not answers(host, WEB)
        assert status(host) == "exited"
        assert host.records() == ["terminate-web-container"]
        assert not web.terminate(nodes).changed
        assert host.fqdn not in web.get_nodes(running=True).get_fqdns()
        assert host.fqdn in web.get_nodes().get_fqdns(), "stopped ones too"

        assert web.start(nodes).changed
        wait_for(lambda: answers(host, WEB), "it answers again", 10)
        assert host.records() == []
        assert not web.start(nodes).changed

        web.terminate(nodes)
        cloud.heal()
        wait_for(lambda: answers(host, WEB), "healing starts it again", 10)


@pytest.mark.case("D30")
def test_restart_and_kill(web: Container, nodes: NodeCollection, host: Host) -> None:
    before = web.restart(nodes)[host.fqdn].payload
    assert not set(before["pids_before"]) & set(before["pids_after"])
    wait_for(lambda: answers(host, WEB), "it answers again", 10)

    killed = web.kill(nodes)[host.fqdn].payload
    assert killed["pids_before"] == before["pids_after"]
    assert not answers(host, WEB)
    assert killed["notes"] == ["nothing starts it again"]
    with pytest.raises(AnsibleExecutionException, match="nothing to kill: web container is exited"):
        web.kill(nodes)
    web.start(nodes)
    wait_for(lambda: answers(host, WEB), "it answers again", 10)


def test_pause_and_unpause(web: Container, nodes: NodeCollection, host: Host, evidence: Evidence) -> None:
    with host.undone():
        assert web.pause(nodes, sec=60).changed
        assert status(host) == "paused"
        assert not answers(host, WEB)
        assert host.holds() == {"pause-web-container": "active"}
        web.pause(nodes, sec=60)
        assert web.unpause(nodes).changed
        wait_for(lambda: answers(host, WEB), "it goes on", 10)
        assert not web.unpause(nodes).changed
    evidence.seen("pause", "web: paused, a client hangs")
    evidence.seen("unpause", "web answers")
    evidence.undone("unpause", "unit and record gone, host as before")

    with host.undone():
        web.pause(nodes, sec=3)
        wait_for(lambda: answers(host, WEB), "it goes on by itself", 12)
    with host.undone():
        with web.paused(nodes):
            web.kill(nodes)
        web.start(nodes)
        wait_for(lambda: answers(host, WEB), "it runs again", 10)
    evidence.undone("pause", "by unpause, by its time, and after it was killed meanwhile; host as before")


def test_who_was_paused_by_others_is_left_alone(web: Container, nodes: NodeCollection, host: Host) -> None:
    host.sh("podman pause web")
    with pytest.raises(AnsibleExecutionException, match="paused already, and not by os_faults"):
        web.pause(nodes)
    assert status(host) == "paused"
    host.sh("podman unpause web")


def test_a_container_that_a_unit_runs_is_stopped_by_its_unit(cloud: Cloud, nodes: NodeCollection, host: Host) -> None:
    managed = cloud.get_container("managed")
    unit = "kolla-managed-container.service"
    managed.terminate(nodes)
    assert host.active(unit) in ("inactive", "failed")
    assert not answers(host, MANAGED)
    managed.start(nodes)
    assert host.active(unit) == "active"
    wait_for(lambda: answers(host, MANAGED), "it answers again", 10)
    killed = managed.kill(nodes)[host.fqdn].payload
    assert killed["notes"] == [f"{unit} runs it (Restart=always)"]
    wait_for(lambda: answers(host, MANAGED), "systemd starts it again", 15)
