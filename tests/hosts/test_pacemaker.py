"""A service that a real cluster of three hosts manages: Pacemaker moves it, and os_faults tells Pacemaker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hostlab import clients
from hostlab.observer import Host
from hostlab.stage import at_once
from hostlab.waiting import wait_for

from os_faults import AnsibleExecutionException, Cloud, NodeCollection, Service, connect

PORT = 8078
_PREPARE = f"""
cat >/etc/systemd/system/shop.service <<'END'
[Service]
ExecStart=/usr/bin/python3 -m http.server {PORT}
WorkingDirectory=/usr/share/misc
END
systemctl daemon-reload
systemctl start corosync pacemaker
"""
_CREATE = """
pcs property set stonith-enabled=false
pcs resource create shop systemd:shop op monitor interval=2s
pcs resource create every ocf:pacemaker:Dummy clone
"""
_END = """
timeout 60 systemctl stop pacemaker corosync
systemctl stop shop
systemctl reset-failed
rm -rf /etc/systemd/system/shop.service /var/lib/pacemaker/cib/* /var/lib/pacemaker/pengine/* /run/os-faults
systemctl daemon-reload
"""


@pytest.fixture(scope="module")
def members(cluster: list[Host]) -> Iterator[list[Host]]:
    """The three hosts as a cluster that has the resource ``shop`` and the clone ``every``."""
    at_once(lambda host: host.sh(_PREPARE), cluster)
    online = "crm_mon -1 2>/dev/null | grep -q 'Online: . cluster-1 cluster-2 cluster-3 '"
    try:
        wait_for(lambda: not cluster[0].sh(f"{online}; echo $?").strip("0"), "the cluster is whole", 90, pause=0.5)
        cluster[0].sh(_CREATE)
        wait_for(lambda: homes(cluster), "the shop runs", 60, pause=0.5)
        yield cluster
    finally:
        at_once(lambda host: host.sh(_END, check=False), cluster)


@pytest.fixture(scope="module")
def cloud(universal_config: dict[str, Any], members: list[Host]) -> Iterator[Cloud]:
    services = {
        "shop": {"driver": "pacemaker", "resource": "shop", "port": PORT},
        "every": {"driver": "pcs_service", "args": {"pcs_service": "every-clone"}},
        "ssh": {"driver": "pcs_or_linux_service", "args": {"pcs_service": "p_ssh", "linux_service": "ssh"}},
        "both": {"driver": "pcs_or_linux_service", "args": {"pcs_service": "shop", "linux_service": "shop"}},
    }
    with connect({**universal_config, "services": services}, seed=1) as cloud:
        yield cloud
        cloud.heal()


@pytest.fixture
def shop(cloud: Cloud) -> Service:
    return cloud.get_service("shop")


def homes(hosts: list[Host]) -> list[Host]:
    """Return the hosts at which the shop answers."""
    return [host for host in hosts if clients.answers("http", host.address, PORT)]


def home(cloud: Cloud, hosts: list[Host]) -> tuple[Host, NodeCollection]:
    """Return where the shop is, when it is somewhere."""
    wait_for(lambda: homes(hosts), "the shop is somewhere", 60, pause=0.5)
    (host,) = homes(hosts)
    return host, cloud.get_nodes(fqdns=[host.fqdn])


def bans(host: Host) -> list[str]:
    return host.sh("cibadmin --query --xpath //constraints | grep -o 'cli-ban-[a-z]*-on-[a-z0-9-]*'; true").split()


def test_it_is_on_all_nodes_and_runs_on_one(cloud: Cloud, shop: Service, members: list[Host]) -> None:
    host, nodes = home(cloud, members)
    assert shop.get_nodes().get_fqdns() == [each.fqdn for each in members]
    assert shop.get_nodes(running=True).get_fqdns() == nodes.get_fqdns() == [host.fqdn]
    assert cloud.get_service("both").get_nodes(running=True).get_fqdns() == [host.fqdn]
    assert len(cloud.get_service("every").get_nodes(running=True)) == 3


def test_terminate_moves_it_and_start_lets_it_back(cloud: Cloud, shop: Service, members: list[Host]) -> None:
    first, nodes = home(cloud, members)
    assert shop.terminate(nodes).changed
    assert homes([first]) == []
    assert bans(first) == [f"cli-ban-shop-on-{first.name}"]
    assert first.records() == ["terminate-shop"]
    second, _ = home(cloud, members)
    assert second != first
    assert not shop.terminate(nodes).changed

    assert shop.start(nodes).changed
    assert bans(first) == []
    assert first.records() == []
    assert not shop.start(nodes).changed


def test_terminated_everywhere_it_is_down_until_it_is_healed(cloud: Cloud, shop: Service, members: list[Host]) -> None:
    home(cloud, members)
    shop.terminate()
    assert homes(members) == []
    assert len(bans(members[0])) == 3
    cloud.heal()
    assert bans(members[0]) == []
    home(cloud, members)


def test_restart_and_kill_act_where_it_runs(cloud: Cloud, shop: Service, members: list[Host]) -> None:
    host, _ = home(cloud, members)
    old = host.processes("shop.service")
    result = shop.restart()
    assert [name for name, one in result.items() if one.changed] == [host.fqdn]
    now, _ = home(cloud, members)
    assert not old & now.processes("shop.service")

    old = now.processes("shop.service")
    result = shop.kill()
    assert [name for name, one in result.items() if one.changed] == [now.fqdn]
    assert not old & now.processes("shop.service")
    home(cloud, members)


def test_freeze_stops_its_processes(cloud: Cloud, shop: Service, members: list[Host]) -> None:
    host, nodes = home(cloud, members)
    host.sh("crm_resource --resource shop --meta --set-parameter is-managed --parameter-value false")
    try:
        shop.freeze(nodes, sec=60)
        assert set(host.states("shop.service")) == {"T"}
        assert homes(members) == []
        shop.unfreeze(nodes)
        home(cloud, members)
    finally:
        host.sh("crm_resource --resource shop --meta --delete-parameter is-managed")


def test_a_clone_is_taken_from_one_node(cloud: Cloud, members: list[Host]) -> None:
    every = cloud.get_service("every")
    nodes = cloud.get_nodes(fqdns=[members[1].fqdn])
    every.terminate(nodes)
    assert every.get_nodes(running=True).get_fqdns() == [members[0].fqdn, members[2].fqdn]
    every.start(nodes)
    assert len(every.get_nodes(running=True)) == 3


def test_without_a_resource_it_is_the_unit(cloud: Cloud, members: list[Host]) -> None:
    ssh = cloud.get_service("ssh")
    assert ssh.get_nodes(running=True).get_fqdns() == [host.fqdn for host in members]
    old = members[0].processes("ssh.service")
    ssh.restart(cloud.get_nodes(fqdns=[members[0].fqdn]))
    assert not old & members[0].processes("ssh.service")


def test_what_the_cluster_does_not_have_is_refused(universal_config: dict[str, Any], members: list[Host]) -> None:
    service = {"driver": "pacemaker", "args": {"resource": "nobody"}, "hosts": [members[0].address]}
    with (
        connect({**universal_config, "services": {"nobody": service}}) as cloud,
        pytest.raises(AnsibleExecutionException, match="no resource 'nobody' on this cluster; it has: every"),
    ):
        cloud.get_service("nobody").restart()
