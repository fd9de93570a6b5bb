"""Containers of a real podman on two hosts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hostlab import podman
from hostlab.observer import Host
from hostlab.podman import MANAGED, TWIN, WEB, answers

from os_faults import Cloud, Container, connect

_CREATE = f"""
web web {WEB}
web web_twin {TWIN}
podman start web web_twin >/dev/null
kolla managed {MANAGED}
"""


@pytest.fixture(scope="module")
def owners(cluster: list[Host]) -> Iterator[list[Host]]:
    """The hosts with the containers."""
    with podman.owners(cluster, _CREATE) as owners:
        yield owners


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
def web(cloud: Cloud, host: Host) -> Iterator[Container]:
    yield cloud.get_container("web")
    assert answers(host, WEB)
    assert answers(host, TWIN), "another container was hit"
