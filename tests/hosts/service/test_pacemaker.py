"""A service that a real cluster of three hosts manages: Pacemaker moves it, and os_faults tells Pacemaker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hostlab import pacemaker, podman
from hostlab.observer import Host
from hostlab.pacemaker import Managed
from hostlab.waiting import wait_for

from os_faults import AnsibleExecutionException, Cloud, NodeCollection, Service, UndoError, connect

PORT, BUNDLE_PORT = 8078, 8079
_PREPARE = f"""
cat >/etc/systemd/system/shop.service <<'END'
[Service]
ExecStart=/usr/bin/python3 -m http.server {PORT}
WorkingDirectory=/usr/share/misc
END
systemctl daemon-reload
{podman.PREPARE}
"""
_CREATE = f"""
pcs resource create shop systemd:shop op monitor interval=2s
pcs resource create every ocf:pacemaker:Dummy clone
pcs resource bundle create web container podman image=localhost/tiny replicas=3 network=host \
    options=--stop-signal=KILL run-command="/bin/busybox httpd -f -p {BUNDLE_PORT} -h /www"
"""
_REMOVE = f"""
systemctl stop shop
rm -f /etc/systemd/system/shop.service
systemctl daemon-reload
{podman.REMOVE}
"""


@pytest.fixture(scope="module")
def members(cluster: list[Host]) -> Iterator[list[Host]]:
    """The three hosts as a cluster that has the resource ``shop`` and the clone ``every``."""
    with pacemaker.cluster(cluster, _PREPARE, _CREATE, _REMOVE):
        yield cluster


@pytest.fixture
def managed(members: list[Host]) -> Managed:
    return Managed("shop", PORT, members)


@pytest.fixture(scope="module")
def cloud(universal_config: dict[str, Any], members: list[Host]) -> Iterator[Cloud]:
    services = {
        "shop": {"driver": "pacemaker", "resource": "shop", "port": PORT},
        "web": {"driver": "pacemaker", "resource": "web", "port": BUNDLE_PORT},
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


def at_home(cloud: Cloud, managed: Managed) -> tuple[Host, NodeCollection]:
    """Return where the shop is, when it is somewhere."""
    host = managed.home()
    return host, cloud.get_nodes(fqdns=[host.fqdn])


def test_it_is_on_all_nodes_and_runs_on_one(cloud: Cloud, shop: Service, managed: Managed, members: list[Host]) -> None:
    host, nodes = at_home(cloud, managed)
    assert shop.get_nodes().get_fqdns() == [each.fqdn for each in members]
    assert shop.get_nodes(running=True).get_fqdns() == nodes.get_fqdns() == [host.fqdn]
    assert cloud.get_service("both").get_nodes(running=True).get_fqdns() == [host.fqdn]
    assert len(cloud.get_service("every").get_nodes(running=True)) == 3


def test_terminate_moves_it_and_start_lets_it_back(cloud: Cloud, shop: Service, managed: Managed) -> None:
    first, nodes = at_home(cloud, managed)
    assert shop.terminate(nodes).changed
    assert not managed.answers_at(first)
    assert managed.bans() == [f"cli-ban-shop-on-{first.name}"]
    assert first.records() == ["terminate-shop"]
    assert managed.home() != first
    assert not shop.terminate(nodes).changed

    assert shop.start(nodes).changed
    assert managed.bans() == []
    assert first.records() == []
    assert not shop.start(nodes).changed


def test_terminated_everywhere_it_is_down_until_it_is_healed(cloud: Cloud, shop: Service, managed: Managed) -> None:
    managed.home()
    shop.terminate()
    assert managed.homes() == []
    assert len(managed.bans()) == 3
    cloud.heal()
    assert managed.bans() == []
    managed.home()


def test_a_ban_outlives_a_reboot_until_it_is_healed(cloud: Cloud, shop: Service, managed: Managed) -> None:
    host, nodes = at_home(cloud, managed)
    shop.terminate(nodes)
    boot = host.boot_id()
    nodes.reboot()
    assert host.boot_id() != boot
    with pytest.raises(UndoError, match="could not take back terminate-shop"):
        cloud.heal()  # Pacemaker does not run yet
    host.sh(pacemaker.JOIN)
    pacemaker.await_whole(managed.hosts)
    assert managed.bans() == [f"cli-ban-shop-on-{host.name}"]
    assert [(fault.node, fault.verb, fault.subject) for fault in cloud.faults()] == [(host.fqdn, "terminate", "shop")]
    cloud.heal()
    assert managed.bans() == []
    assert host.records() == []


def test_restart_and_kill_act_where_it_runs(shop: Service, managed: Managed) -> None:
    host = managed.home()
    old = host.processes("shop.service")
    result = shop.restart()
    assert [name for name, one in result.items() if one.changed] == [host.fqdn]
    now = managed.home()
    assert not old & now.processes("shop.service")

    old = now.processes("shop.service")
    result = shop.kill()
    assert [name for name, one in result.items() if one.changed] == [now.fqdn]
    assert not old & now.processes("shop.service")
    managed.home()


def test_freeze_stops_its_processes(cloud: Cloud, shop: Service, managed: Managed) -> None:
    host, nodes = at_home(cloud, managed)
    host.sh("crm_resource --resource shop --meta --set-parameter is-managed --parameter-value false")
    try:
        shop.freeze(nodes, sec=60)
        assert set(host.states("shop.service")) == {"T"}
        assert managed.homes() == []
        shop.unfreeze(nodes)
        managed.home()
    finally:
        host.sh("crm_resource --resource shop --meta --delete-parameter is-managed")


def test_a_clone_is_taken_from_one_node(cloud: Cloud, members: list[Host]) -> None:
    every = cloud.get_service("every")
    nodes = cloud.get_nodes(fqdns=[members[1].fqdn])
    every.terminate(nodes)
    assert every.get_nodes(running=True).get_fqdns() == [members[0].fqdn, members[2].fqdn]
    every.start(nodes)
    assert len(every.get_nodes(running=True)) == 3


@pytest.mark.case("f27")
def test_a_bundle_is_acted_on_one_replica_at_a_time(cloud: Cloud, members: list[Host]) -> None:
    web = cloud.get_service("web")
    replicas = Managed("web", BUNDLE_PORT, members)
    wait_for(lambda: len(replicas.homes()) == 3, "all replicas run", 90, pause=0.5)
    assert web.get_nodes(running=True).get_fqdns() == [host.fqdn for host in members]
    before = [started(host) for host in members]
    nodes = cloud.get_nodes(fqdns=[members[1].fqdn])

    assert web.restart(nodes).changed
    assert replicas.answers_at(members[1])
    after = [started(host) for host in members]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]

    web.terminate(nodes)
    assert replicas.homes() == [members[0], members[2]]
    web.start(nodes)
    assert replicas.answers_at(members[1])
    assert [started(host) for host in (members[0], members[2])] == [after[0], after[2]]


def started(host: Host) -> str:
    """Return when the replica of the bundle on a host was started."""
    return host.sh("podman inspect --format '{{.State.StartedAt}}' $(podman ps --quiet --filter name=web-podman)")


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
