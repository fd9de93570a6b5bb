"""The truth is on the hosts: faults are listed and healed by another user, from elsewhere, without the journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostlab.lab import Lab
from hostlab.observer import Host

from os_faults import Cloud, connect


@pytest.fixture
def elsewhere(
    request: pytest.FixtureRequest,
    lab: Lab,
    config: dict[str, Any],
    node_3: Host,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Cloud]:
    """The cloud as a controller sees it that has never seen it, logged in as another user; ``param``: become root."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    config["cloud_management"] = {
        "driver": "universal",
        "nodes": [node_3.fqdn],
        "username": "stack",
        "private_key_file": lab.key,
        "become": request.param,
    }
    with connect(config) as cloud:
        yield cloud


@pytest.mark.parametrize("elsewhere", [True], indirect=True)
def test_another_user_without_the_journal(cloud: Cloud, node_3: Host, elsewhere: Cloud) -> None:
    nodes = cloud.get_nodes(fqdns=[node_3.fqdn])
    with node_3.undone():
        cloud.get_service("memcached").freeze(nodes)
        nodes.disable_network("storage")
        mine = {(fault.id, fault.since, fault.until, fault.by) for fault in cloud.faults()}
        assert {(fault.id, fault.since, fault.until, fault.by) for fault in elsewhere.faults()} == mine
        assert len(mine) == 2
        result = elsewhere.heal()[node_3.fqdn]
        assert result.payload["undone"] == ["disable_network-storage", "freeze-memcached"]
        assert cloud.faults() == elsewhere.faults() == []


@pytest.mark.parametrize("elsewhere", [False], indirect=True)
def test_a_user_who_may_not_see_them_is_told_so(
    cloud: Cloud, node_3: Host, elsewhere: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    with node_3.undone():
        cloud.get_service("memcached").freeze(cloud.get_nodes(fqdns=[node_3.fqdn]))
        assert elsewhere.faults() == []
        sentence = "root has faults on this host; only root can list and heal them"
        assert f"{node_3.fqdn}: {sentence}" in caplog.messages
        assert elsewhere.heal()[node_3.fqdn].payload["notes"] == [sentence]
        assert len(cloud.heal()[node_3.fqdn].payload["undone"]) == 1
