"""``os-faults discover``: what it writes is a configuration of the same cloud."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hostlab.command import Shell
from hostlab.observer import Host
from hostlab.subject import keystone, mysql

import os_faults


def without_machines(cloud: os_faults.Cloud) -> dict[str, Any]:
    """Return the variables of the hosts, but for their machines: a MAC address that is written down counts alone."""
    hosts = cloud.inventory()["all"]["hosts"]
    return {name: {**about, "os_faults_power": None} for name, about in hosts.items()}


def test_round_trip(config: dict[str, Any], tmp_path: Path, node_1: Host, node_2: Host) -> None:
    config["services"] = {"database": {"driver": "systemd", "service_name": "mariadb", "port": 3306}}
    (tmp_path / "os-faults.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "away").mkdir()
    shell = Shell(tmp_path)
    done = shell.os_faults("discover", "away/found.yaml")
    assert done.status == 0, done.err
    assert done.out == "Saved away/found.yaml\n"

    with os_faults.connect(config) as before, os_faults.connect(config_filename=tmp_path / "away/found.yaml") as after:
        assert after.get_nodes() == before.get_nodes()
        assert [node.auth for node in after.get_nodes()] == [node.auth for node in before.get_nodes()]
        assert after.list_services() == before.list_services()
        for name in before.list_services():
            assert after.get_service(name).get_nodes() == before.get_service(name).get_nodes(), name
        assert after.get_service("database").get_nodes().get_fqdns() == [node_1.fqdn, node_2.fqdn]
        assert without_machines(after) == without_machines(before)

        old = keystone(node_1).processes()
        os_faults.human_api(after, "restart keystone service")
        assert not old & keystone(node_1).processes()
        with node_2.undone():
            after.get_service("database").freeze(after.get_nodes([node_2.fqdn]), sec=60)
            assert mysql(node_2).frozen()
            after.heal()
            assert not mysql(node_2).frozen()
