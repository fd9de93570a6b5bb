"""A service of Fuel's catalogue that a real cluster manages: the controllers of a Fuel cloud are one.

The catalogue names the resource, and the unit that the service is on a node whose cluster has no such resource.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hostlab import fuel, pacemaker
from hostlab.lab import Lab
from hostlab.observer import Host
from hostlab.pacemaker import Managed

from os_faults import Cloud, NodeCollection, Service, connect

# The resource is an agent's and no unit of systemd, as Fuel's is: its processes are found by their command line.
_PREPARE = """
cat >/usr/local/sbin/mysqld <<'END'
#!/usr/bin/python3
import http.server, os
os.chdir("/usr/share/misc")
http.server.ThreadingHTTPServer(("", 3307), http.server.SimpleHTTPRequestHandler).serve_forever()
END
chmod 755 /usr/local/sbin/mysqld
printf '%s\\n' '[Service]' 'ExecStart=/bin/sleep infinity' >/etc/systemd/system/rabbitmq-server.service
systemctl daemon-reload
systemctl start rabbitmq-server
"""
_CREATE = """
pcs resource create p_mysqld ocf:heartbeat:anything binfile=/usr/local/sbin/mysqld op monitor interval=2s
"""
_REMOVE = """
systemctl stop rabbitmq-server
pkill -KILL -f /usr/local/sbin/mysqld
rm -f /usr/local/sbin/mysqld /etc/systemd/system/rabbitmq-server.service
systemctl daemon-reload
"""


@pytest.fixture(scope="module")
def controllers(cluster: list[Host]) -> Iterator[list[Host]]:
    """Three hosts with Fuel's bridges, as a cluster that has the resource of mysql."""
    with fuel.bridged(cluster), pacemaker.cluster(cluster, _PREPARE, _CREATE, _REMOVE):
        yield cluster


@pytest.fixture(scope="module")
def cloud(base_config: dict[str, Any], lab: Lab, controllers: list[Host]) -> Iterator[Cloud]:
    with fuel.serving(Host(lab, "host")) as master:
        master.enrol(controllers, {host.name: ("controller",) for host in controllers})
        management = {**master.management("stack"), "private_key_file": lab.key}
        with connect({**base_config, "cloud_management": management, "networks": {}}, seed=1) as cloud:
            yield cloud
            cloud.heal()


@pytest.fixture
def mysql(cloud: Cloud) -> Service:
    return cloud.get_service("mysql")


@pytest.fixture
def managed(controllers: list[Host]) -> Managed:
    return Managed("p_mysqld", 3307, controllers)


@pytest.fixture
def home(managed: Managed) -> Host:
    """Where mysql is now."""
    return managed.home()


@pytest.fixture
def nodes(cloud: Cloud, home: Host) -> NodeCollection:
    return cloud.get_nodes(fqdns=[home.fqdn])


def pids(host: Host) -> set[str]:
    return set(host.sh("pgrep -f 'python3 /usr/local/sbin/mysqld'; true").split())


def test_it_is_found_by_its_resource(cloud: Cloud, mysql: Service, home: Host) -> None:
    assert mysql.get_nodes().get_fqdns() == cloud.get_nodes().filter(role="controller").get_fqdns()
    assert mysql.get_nodes(running=True).get_fqdns() == [home.fqdn]


def test_it_is_banned_from_a_node_and_let_back(
    mysql: Service, managed: Managed, home: Host, nodes: NodeCollection
) -> None:
    mysql.terminate(nodes)
    assert not managed.answers_at(home)
    assert managed.bans() == [f"cli-ban-p_mysqld-on-{home.name}"]
    assert managed.home() != home
    mysql.start(nodes)
    assert managed.bans() == []


def test_healing_lifts_the_bans(cloud: Cloud, mysql: Service, managed: Managed, home: Host) -> None:
    mysql.terminate()
    assert managed.homes() == []
    assert len(managed.bans()) == 3
    cloud.heal()
    assert managed.bans() == []
    managed.home()


def test_it_is_restarted_and_killed_where_it_runs(
    mysql: Service, managed: Managed, home: Host, nodes: NodeCollection
) -> None:
    old = pids(home)
    assert old
    mysql.restart(nodes)
    now = managed.home()
    assert not old & pids(now)
    killed = pids(now)
    mysql.kill()
    assert not killed & pids(now)
    managed.home()


def test_a_service_without_a_resource_is_its_unit(cloud: Cloud, controllers: list[Host]) -> None:
    rabbitmq = cloud.get_service("rabbitmq")
    first, *others = controllers
    rabbitmq.terminate(cloud.get_nodes(fqdns=[first.fqdn]))
    assert [host.active("rabbitmq-server") for host in controllers] == ["inactive", *["active" for _ in others]]
    cloud.heal()
    assert first.active("rabbitmq-server") == "active"
