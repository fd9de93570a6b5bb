"""A container of a real podman is paused, and goes on."""

from __future__ import annotations

import pytest
from hostlab.evidence import Evidence
from hostlab.observer import Host
from hostlab.podman import WEB, answers, status
from hostlab.waiting import wait_for

from os_faults import AnsibleExecutionException, Cloud, Container, NodeCollection


@pytest.mark.case("f08")
def test_pause_and_unpause(web: Container, cloud: Cloud, nodes: NodeCollection, host: Host, evidence: Evidence) -> None:
    with host.undone():
        assert web.pause(nodes, sec=60).changed
        assert status(host, "web") == "paused"
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
            assert [fault.state for fault in cloud.faults()] == ["injected"]
            web.kill(nodes)
            assert [fault.state for fault in cloud.faults()] == ["not in force"]
        web.start(nodes)
        wait_for(lambda: answers(host, WEB), "it runs again", 10)
    evidence.undone("pause", "by unpause, by its time, and after it was killed meanwhile; host as before")


def test_who_was_paused_by_others_is_left_alone(web: Container, nodes: NodeCollection, host: Host) -> None:
    host.sh("podman pause web")
    with pytest.raises(AnsibleExecutionException, match="paused already, and not by os_faults"):
        web.pause(nodes)
    assert status(host, "web") == "paused"
    host.sh("podman unpause web")
