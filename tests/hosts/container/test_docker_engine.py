"""Containers of a real docker, whose ports the engine publishes: what reaches them is translated and sent on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hostlab import clients
from hostlab.kinds import cloud_of
from hostlab.lab import Lab
from hostlab.observer import Host
from hostlab.waiting import wait_for

from os_faults import Cloud, connect

WEB, TWIN = 8080, 8081
"""Published ports of two containers: the one that is meant, and one that is called much like it."""

CREATE = f"""
tiny=$(mktemp -d)
mkdir -p $tiny/bin $tiny/www
cp /bin/busybox $tiny/bin/
for each in httpd nc true; do ln -s busybox $tiny/bin/$each; done
echo hello >$tiny/www/index.html
tar -C $tiny -c . | docker import - tiny >/dev/null
rm -r $tiny
web() {{ docker run --detach --name $1 --publish $2:80 tiny /bin/httpd -f -p 80 -h /www >/dev/null; }}
web web {WEB}
web web_twin {TWIN}
"""
REMOVE = "docker rm --force web web_twin >/dev/null; docker rmi tiny >/dev/null; true"


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[Host]:
    host = Host(lab, "docker-1")
    host.sh(CREATE)
    yield host
    host.sh(REMOVE)


@pytest.fixture(scope="module")
def cloud(universal_config: dict[str, Any], host: Host, node_3: Host) -> Iterator[Cloud]:
    config = cloud_of([host, node_3], universal_config)
    config["services"]["web"] = {"driver": "container", "container": "web", "port": WEB}
    with connect(config) as cloud:
        yield cloud
        cloud.heal()


def answers(host: Host, port: int) -> bool:
    """Return whether the web server at a published port answers somebody outside."""
    return clients.answers("http", host.address, port)


@pytest.fixture(autouse=True)
def both_answer(host: Host) -> Iterator[None]:
    wait_for(lambda: answers(host, WEB) and answers(host, TWIN), "both containers answer", 20)
    yield
    wait_for(lambda: answers(host, WEB), "the container answers again", 20)
    assert answers(host, TWIN), "another container was hit"


def test_a_published_port_is_unplugged(cloud: Cloud, host: Host) -> None:
    web = cloud.get_service("web")
    assert web.get_nodes().get_fqdns() == [host.fqdn]
    with host.undone():
        web.unplug(heal_after=60)
        assert not answers(host, WEB)
        assert answers(host, TWIN), "another port is cut, too"
        web.plug()


def test_the_containers_are_cut_off_with_their_node(cloud: Cloud, host: Host, node_3: Host) -> None:
    def reaches() -> bool:
        ask = f"docker exec --interactive web /bin/nc -w 2 {node_3.address} 11211"
        return "VERSION" in host.sh(f"printf 'version\\r\\nquit\\r\\n' | {ask}; true")

    node, other = cloud.get_nodes([host.fqdn]), cloud.get_nodes([node_3.fqdn])
    assert reaches()
    with host.undone():
        node.partition(other, heal_after=60)
        assert not reaches(), "a container reaches the others"
        assert answers(host, WEB), "the controller is none of the others"
        node.rejoin(other)
        assert reaches()


def test_every_verb_of_containers_and_of_their_services(cloud: Cloud, host: Host) -> None:
    """Docker makes the container's link anew with each start, so the host is not compared as a whole."""
    container, service = cloud.get_container("web"), cloud.get_service("web")

    def status() -> str:
        return host.sh("docker inspect --format '{{.State.Status}}' web")

    container.pause(sec=60)
    assert status() == "paused"
    assert not answers(host, WEB)
    container.unpause()
    assert answers(host, WEB)

    service.freeze(sec=60)
    assert status() == "running", "the engine has paused it"
    assert not answers(host, WEB)
    service.unfreeze()
    assert answers(host, WEB)

    for verb in ("kill", "terminate"):
        getattr(container, verb)()
        assert status() == "exited", verb
        container.start()
        wait_for(lambda: answers(host, WEB), "it answers again", 20)
    before = host.sh("docker inspect --format '{{.State.Pid}}' web")
    container.restart()
    assert host.sh("docker inspect --format '{{.State.Pid}}' web") != before
