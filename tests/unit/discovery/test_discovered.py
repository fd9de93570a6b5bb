"""discover(): a configuration in which nodes and services stand as they were found, and that means the same."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.cli_fixture import command_line
from support.cloud_fixture import CONFIG, hosts

import os_faults
from os_faults import AnsibleExecutionException, Cloud, resources
from os_faults.config import load
from os_faults.testing import FakeRunner

pytestmark = pytest.mark.usefixtures("state_home")

NAMES = [f"node-{number}.domain.tld" for number in (1, 2, 3)]
ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


def found(config: dict[str, Any]) -> dict[str, Any]:
    return os_faults.discover(config, runner=FakeRunner(hosts()))


def cloud_of(config: dict[str, Any]) -> Cloud:
    return os_faults.connect(config, runner=FakeRunner(hosts()))


def as_seen(cloud: Cloud) -> dict[str, Any]:
    """Return all that a cloud says of itself."""
    with cloud:
        nodes, inventory = cloud.get_nodes(), cloud.inventory()["all"]
        catalogue = resources.catalogue(inventory["vars"]["os_faults_cloud"] or None)
        return {
            "nodes": [(node.fqdn, node.ip, node.mac, node.libvirt_name, node.auth) for node in nodes],
            "services": {name: cloud.get_service(name).get_nodes().get_fqdns() for name in cloud.list_services()},
            "containers": {name: cloud.get_container(name).get_nodes().get_fqdns() for name in cloud.list_containers()},
            "ports": {name: cloud.get_service(name).ports for name in cloud.list_services()},
            "definitions": {
                name: {"ports": [], **definition}
                for name, definition in {**catalogue, **inventory["vars"]["os_faults_services"]}.items()
            },
            "hosts": inventory["hosts"],
            "groups": inventory["children"],
        }


@pytest.mark.case("E11")
def test_nodes_and_services() -> None:
    written = found(CONFIG)
    assert written["cloud_management"] == CONFIG["cloud_management"]
    assert written["node_discover"] == {
        "driver": "node_list",
        "args": [
            {"ip": ip, "fqdn": name, "mac": f"52:54:00:00:00:0{number}"}
            for number, (ip, name) in enumerate(zip(ADDRESSES, NAMES, strict=True), 1)
        ],
    }
    assert written["services"]["memcached"]["hosts"] == ADDRESSES
    assert written["services"]["keystone"]["hosts"] == ADDRESSES[:1]
    assert "hosts" not in written["services"]["mysql"]
    for name in ("memcached", "mysql"):
        assert written["services"][name]["driver"] == "systemd"
        assert written["services"][name]["args"]["units"]


@pytest.mark.case("E13")
def test_the_configuration_that_is_given_is_not_changed() -> None:
    config: dict[str, Any] = copy.deepcopy({**CONFIG, "services": {"memcached": {"driver": "systemd", "units": ["m"]}}})
    before = copy.deepcopy(config)
    found(config)
    assert config == before


LOGINS = {
    "driver": "devstack",
    "auth": {"username": "stack", "become_password": {"env": "HERE"}, "jump": {"host": "jump.local"}},
    "address": ADDRESSES[0],
    "nodes": [
        {"address": ADDRESSES[1], "auth": {"username": "root", "password": {"env": "THERE"}}},
        {"address": ADDRESSES[2], "port": 2222, "become": False, "jump": {"host": "other.local", "port": 23}},
    ],
    "networks": {"storage": "eth1"},
}


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        {"cloud_management": LOGINS},
        {
            "cloud_management": {"driver": "universal", "args": {"username": "stack", "become": True}},
            "node_discover": {
                "driver": "node_list",
                "args": [
                    {"ip": ip, "fqdn": f"n{ip[-1]}.local", "libvirt_name": f"vm{ip[-1]}", "port": 1022}
                    for ip in ADDRESSES
                ],
            },
            "services": {
                "memcached": {"driver": "systemd", "service_name": "memcached", "port": 11211},
                "web": {"driver": "process", "args": {"pidfile": "/run/web.pid"}, "hosts": [ADDRESSES[1]]},
            },
            "power_managements": [{"driver": "libvirt", "args": {"connection_uri": "qemu:///system"}}],
            "containers": {"app": {"driver": "podman", "container_name": "app", "hosts": ADDRESSES[:2]}},
            "limit": "50%",
            "heal_after": 60,
        },
    ],
    ids=["flat", "logins", "nested"],
)
def test_it_means_the_same_and_nothing_is_lost(config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERE", "canary")
    monkeypatch.setenv("THERE", "canary")
    written = json.loads(json.dumps(found(config)))
    assert as_seen(cloud_of(written)) == as_seen(cloud_of(config))
    kept = config.keys() - {"services", "containers", "node_discover"}
    assert {key: written[key] for key in kept} == {key: config[key] for key in kept}
    assert load(written).heal_after == load(config).heal_after
    assert "canary" not in json.dumps(written), "a password is written where a reference stood"
    again = found(written)
    assert again == written, "what is found once more is different"


def test_paths_are_those_of_the_file(tmp_path: Path) -> None:
    home = tmp_path / "conf"
    home.mkdir()
    (home / "secret").write_text("canary\n")
    config = {
        "cloud_management": {**CONFIG["cloud_management"], "private_key_file": "key", "password": {"file": "secret"}}
    }
    (home / "os-faults.yaml").write_text(yaml.safe_dump(config))
    written = os_faults.discover(config_filename=home / "os-faults.yaml", runner=FakeRunner(hosts()))
    assert written["cloud_management"]["private_key_file"] == str(home / "key")
    assert written["cloud_management"]["password"] == {"file": str(home / "secret")}


def test_a_node_that_does_not_answer_is_not_left_out() -> None:
    with pytest.raises(AnsibleExecutionException, match=r"10\.0\.0\.2"):
        os_faults.discover(CONFIG, runner=FakeRunner(hosts(silent=("10.0.0.2",))))


def test_command(tmp_path: Path) -> None:
    call = command_line(tmp_path)
    out = tmp_path / "found.yaml"
    done = call("discover", str(out))
    assert (done.exit_code, done.stdout) == (0, f"Saved {out}\n")
    assert out.stat().st_mode & 0o777 == 0o600
    call.config = out
    assert yaml.safe_load(out.read_text()) == found(CONFIG)
    assert CONFIG["cloud_management"]["driver"] in out.read_text()


def test_command_leaves_a_file_as_it_was_when_it_fails(tmp_path: Path) -> None:
    out = tmp_path / "found.yaml"
    out.write_text("mine")
    assert command_line(tmp_path, hosts(silent=("10.0.0.2",)))("discover", str(out)).exit_code == 4
    assert out.read_text() == "mine"
    assert command_line(tmp_path)("discover", str(tmp_path / "no" / "such")).exit_code == 2
