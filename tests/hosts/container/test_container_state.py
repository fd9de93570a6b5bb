"""Containers of a real podman: each verb on the one that is meant, and on nobody who is called much like it."""

from __future__ import annotations

import pytest
from hostlab.observer import Host
from hostlab.podman import MANAGED, WEB, answers, status
from hostlab.waiting import wait_for

from os_faults import AnsibleExecutionException, Cloud, Container, NodeCollection, human_api


def test_it_is_on_the_nodes_that_have_it(cloud: Cloud, web: Container, owners: list[Host]) -> None:
    for name in ("web", "old", "managed"):
        assert cloud.get_container(name).get_nodes().get_fqdns() == [host.fqdn for host in owners]
    assert len(web.get_nodes(running=True)) == 2


@pytest.mark.case("D30")
def test_terminate_and_start(cloud: Cloud, web: Container, nodes: NodeCollection, host: Host) -> None:
    with host.undone():
        assert human_api(cloud, f"terminate web container on {host.fqdn} node").changed
        assert not answers(host, WEB)
        assert status(host, "web") == "exited"
        assert host.records() == ["terminate-web-container"]
        assert not web.terminate(nodes).changed
        assert host.fqdn not in web.get_nodes(running=True).get_fqdns()
        assert host.fqdn in web.get_nodes().get_fqdns(), "stopped ones too"

        assert web.start(nodes).changed
        wait_for(lambda: answers(host, WEB), "it answers again", 10)
        assert host.records() == []
        assert not web.start(nodes).changed

        web.terminate(nodes)
        assert [fault.state for fault in cloud.faults()] == ["terminated"]
        host.sh("podman start web")
        assert [fault.state for fault in cloud.faults()] == ["not in force"]
        host.sh("podman stop --time 1 web")
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
