"""A cloud whose nodes a real Salt master knows; only the master is reached directly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hostlab.lab import Lab
from hostlab.observer import Host
from hostlab.stage import at_once
from hostlab.waiting import wait_for

from os_faults import Cloud, connect

_MASTER = """
mkdir -p /etc/salt /srv/pillar
printf '%s\\n' 'auto_accept: true' 'worker_threads: 2' >/etc/salt/master
{pillar}
printf '#!/bin/sh\\nexec lab-salt salt "$@"\\n' >/usr/local/bin/salt
chmod 755 /usr/local/bin/salt
systemd-run --quiet --unit salt-master lab-salt salt-master
"""
_MINION = """
mkdir -p /etc/salt
printf '%s\\n' 'master: {master}' 'id: {id}' >/etc/salt/minion
systemd-run --quiet --unit salt-minion lab-salt salt-minion
"""
_END = """
systemctl stop salt-master salt-minion
systemctl reset-failed
rm -rf /etc/salt /srv/pillar /usr/local/bin/salt /var/cache/salt /var/run/salt /var/log/salt
"""


@pytest.fixture(scope="module")
def master(cluster: list[Host]) -> Iterator[Host]:
    """The first host is the master, the others are its minions; its pillar has their addresses."""
    minions = cluster[1:]
    lines = ["base:", *(f"  {host.fqdn}: [{host.name}]" for host in minions)]
    pillar = [f"echo '{line}' >>/srv/pillar/top.sls" for line in lines]
    pillar += [f"echo '_param: {{single_address: {host.address}}}' >/srv/pillar/{host.name}.sls" for host in minions]
    try:
        cluster[0].sh(_MASTER.format(pillar="\n".join(pillar)))
        at_once(lambda host: host.sh(_MINION.format(master=cluster[0].address, id=host.fqdn)), minions)
        ping = "salt --out=txt -E '^cluster' test.ping 2>/dev/null | grep -c True; true"
        wait_for(lambda: cluster[0].sh(ping) == "2", "both minions answer the master", 120, pause=1)
        yield cluster[0]
    finally:
        at_once(lambda host: host.sh(_END, check=False), cluster)


@pytest.fixture(scope="module")
def cloud(base_config: dict[str, Any], lab: Lab, master: Host) -> Iterator[Cloud]:
    management = {
        "driver": "saltcloud",
        "address": master.fqdn,
        "auth": {"username": "root", "private_key_file": lab.key},
        "slave_auth": {"username": "stack"},
        "slave_name_regexp": "^cluster",
    }
    config = {key: base_config[key] for key in ("ssh", "artifacts_dir", "heal_after")}
    with connect({**config, "cloud_management": management}, seed=1) as cloud:
        yield cloud
        cloud.heal()


def test_the_minions_are_the_nodes_and_are_reached_through_the_master(
    cloud: Cloud, lab: Lab, master: Host, cluster: list[Host]
) -> None:
    nodes = cloud.get_nodes()
    assert nodes.get_fqdns() == [host.fqdn for host in cluster[1:]]
    assert nodes.get_macs() == [host.mac for host in cluster[1:]]
    for record in nodes.run_task({"ansible.builtin.shell": "echo $SUDO_USER; echo $SSH_CONNECTION"}).values():
        assert record.stdout.split()[0] == "stack"
    for host in cluster[1:]:
        seen = host.sh("journalctl --quiet --no-pager --unit ssh | grep 'publickey for stack'")
        assert f"from {master.address} " in seen, "the connection comes from the master"


def test_services_are_those_of_the_catalogue(cloud: Cloud, cluster: list[Host]) -> None:
    memcached = cloud.get_service("memcached")
    (node, _) = cluster[1:]
    old = node.processes("memcached.service")
    memcached.restart(cloud.get_nodes(fqdns=[node.fqdn]))
    assert not old & node.processes("memcached.service")


@pytest.mark.case("f20")
def test_a_minion_that_is_stopped_is_named_and_its_host_is_asked_where_it_was(
    cloud: Cloud, cluster: list[Host], caplog: pytest.LogCaptureFixture
) -> None:
    """It is the last test here: the minion stays stopped."""
    (first, second) = cluster[1:]
    cloud.get_nodes()
    second.sh("systemctl stop salt-minion")
    cloud.refresh()
    assert cloud.get_nodes().get_fqdns() == [first.fqdn, second.fqdn]
    (named,) = (message for message in caplog.messages if "did not answer the Salt master" in message)
    assert named.startswith(second.fqdn)
    assert named.endswith(f"it is asked at its last known address {second.address}")
