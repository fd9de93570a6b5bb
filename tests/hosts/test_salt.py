"""A cloud whose nodes a Salt master knows, which alone is reached directly; the master's answers are recorded ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hostlab.lab import Lab
from hostlab.observer import Host

from os_faults import Cloud, connect

_SALT = """
cat >/usr/local/bin/salt <<'END'
#!/bin/sh
case "$*" in
    "--out=json --static -E ^cluster network.interfaces") echo '{interfaces}' ;;
    "--out=json --static -E ^cluster pillar.get _param:single_address") echo '{addresses}' ;;
    *) echo "what is: $*" >&2; exit 64 ;;
esac
END
chmod 755 /usr/local/bin/salt
"""


@pytest.fixture(scope="module")
def master(lab: Lab, cluster: list[Host]) -> Iterator[Host]:
    """The first host, with a command ``salt`` that answers as Salt does; the others are its minions."""
    about = {host.fqdn: lab.node(host.name)["interfaces"]["management"]["mac"] for host in cluster[1:]}
    addresses = {host.fqdn: host.address for host in cluster[1:]}
    loopback = {"hwaddr": "00:00:00:00:00:00", "up": True, "inet": [{"label": "lo", "address": "127.0.0.1"}]}
    interfaces = {
        name: {"lo": loopback, "host0": {"hwaddr": mac, "up": True, "inet": [{"address": addresses[name]}]}}
        for name, mac in about.items()
    }
    told = {"interfaces": json.dumps(interfaces), "addresses": json.dumps(addresses)}
    cluster[0].sh(_SALT.format(**told))
    yield cluster[0]
    cluster[0].sh("rm /usr/local/bin/salt")


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
    assert nodes.get_macs() == [lab.node(host.name)["interfaces"]["management"]["mac"] for host in cluster[1:]]
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
