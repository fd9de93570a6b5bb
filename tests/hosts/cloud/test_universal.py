"""A universal cloud of listed nodes: programs that no service manager knows, and who only looks at them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hostlab import clients
from hostlab.observer import Host
from hostlab.waiting import wait_for

from os_faults import Cloud, connect

PORT = 8077
_SHOP = rf"""
cat >/usr/local/bin/shop <<'END'
#!/usr/bin/python3
import http.server, os
os.chdir("/usr/share/misc")
http.server.ThreadingHTTPServer(("", {PORT}), http.server.SimpleHTTPRequestHandler).serve_forever()
END
chmod 755 /usr/local/bin/shop
: >/var/log/shop.log
"""
_CLEAR = "pkill -KILL -f 'shop.log|/usr/local/bin/shop'; rm -f /usr/local/bin/shop /var/log/*shop*.log; true"
#: Who only looks at it: a pager of its log, and a shell that was given its name.
_LOOKERS = """
setsid tail -f /var/log/shop.log >/dev/null 2>&1 </dev/null &
setsid sh -c 'while sleep 1; do : /usr/local/bin/shop; done' >/dev/null 2>&1 </dev/null &
sleep 0.2
"""


@pytest.fixture(scope="module")
def cloud(universal_config: dict[str, Any]) -> Iterator[Cloud]:
    path = "/usr/local/bin/shop"
    services = {
        "shop": {"driver": "process", "args": {"grep": f"python3 {path}$", "start_cmd": f"{path} &"}},
        "shop-by-file": {"driver": "process", "executable": path, "start": [path]},
        "window": {"driver": "screen", "window_name": "shop", "grep": f"{path}$"},
        "sshd": {"driver": "linux_service", "args": {"linux_service": "ssh", "grep": "sshd"}},
    }
    with connect({**universal_config, "services": services}, seed=1) as cloud:
        yield cloud
        cloud.heal()


@pytest.fixture
def host(cluster: list[Host]) -> Iterator[Host]:
    """The third host, where stack logs in and becomes root."""
    host = cluster[2]
    host.sh(_SHOP)
    yield host
    host.sh(_CLEAR)


def answers(host: Host) -> bool:
    return clients.answers("http", host.address, PORT)


def main_of(host: Host) -> str:
    return host.sh("pgrep -f '^/usr/bin/python3 /usr/local/bin/shop'")


def lookers(host: Host) -> list[str]:
    return host.sh("pgrep -f '^tail -f /var/log/shop.log|^sh -c while sleep'").split()


def test_the_listed_nodes_are_the_cloud(cloud: Cloud, cluster: list[Host]) -> None:
    nodes = cloud.get_nodes()
    assert nodes.get_fqdns() == [host.fqdn for host in cluster]
    assert nodes.get_ips() == [host.address for host in cluster]
    assert nodes.get_macs() == [host.sh("cat /sys/class/net/host0/address") for host in cluster]
    assert not cloud.verify().failures
    assert cloud.get_service("sshd").get_nodes(running=True).get_fqdns() == nodes.get_fqdns()


@pytest.mark.parametrize("name", ["shop", "shop-by-file"])
def test_a_program_and_who_only_looks_at_it(cloud: Cloud, host: Host, name: str) -> None:
    host.sh("setsid /usr/local/bin/shop >/dev/null 2>&1 </dev/null &" + _LOOKERS)
    wait_for(lambda: answers(host), "the shop answers", 20)
    before = lookers(host)
    assert len(before) == 2
    cloud.refresh()
    service = cloud.get_service(name)
    assert service.get_nodes().get_fqdns() == [host.fqdn], "where it runs, and not where somebody looks at it"

    main = main_of(host)
    with host.undone():
        service.freeze(sec=60)
        assert not answers(host)
        service.unfreeze()
        wait_for(lambda: answers(host), "it goes on", 10)
    assert main_of(host) == main
    service.restart()
    wait_for(lambda: answers(host), "a new one answers", 20)
    assert main_of(host) != main
    service.terminate()
    assert not answers(host)
    cloud.heal()
    wait_for(lambda: answers(host), "healing starts it again", 20)
    service.kill()
    assert not answers(host)
    assert lookers(host) == before


def test_a_window_of_screen(cloud: Cloud, host: Host) -> None:
    screen = "runuser -u stack -- screen -S stack"
    host.sh(f"{screen} -d -m -t shop; sleep 0.5; {screen} -p shop -X stuff '/usr/local/bin/shop\r'")
    try:
        wait_for(lambda: answers(host), "the shop answers", 20)
        cloud.refresh()
        service = cloud.get_service("window")
        assert service.get_nodes().get_fqdns() == [host.fqdn]
        service.terminate()
        assert not answers(host)
        service.start()
        wait_for(lambda: answers(host), "it answers again", 20)
        service.restart()
        wait_for(lambda: answers(host), "and again", 20)
    finally:
        host.sh(f"{screen} -X quit", check=False)
