"""Cases A: configuration and connect."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from support.cloud_fixture import hosts

import os_faults
from os_faults import (
    Cloud,
    ConfigError,
    OSFDriverNotFound,
    OSFDriverWithSuchNameExists,
    OSFError,
    ServiceError,
    registry,
)
from os_faults.config import load
from os_faults.testing import FakeRunner

Config = dict[str, Any]
DEVSTACK: Config = {"driver": "devstack", "args": {"address": "10.0.0.1", "auth": {"username": "stack"}}}
APP: Config = {"driver": "process", "args": {"grep": "app --serve"}}
NODES = [
    {"ip": f"10.0.0.{number}", "mac": f"52:54:00:00:00:0{number}", "fqdn": f"n{number}.local"} for number in (1, 2)
]
LISTED: Config = {
    "cloud_management": {"driver": "universal"},
    "node_discover": {"driver": "node_list", "args": NODES},
}


def cloud_of(config: Config, runner: FakeRunner | None = None) -> Cloud:
    return os_faults.connect(config, runner=runner or FakeRunner())


def refused(config: Any) -> str:
    """Return why a configuration is refused, before anybody is asked anything."""
    runner = FakeRunner()
    with pytest.raises(ConfigError) as refusal:
        os_faults.connect(config, runner=runner)
    assert runner.performed == []
    return str(refusal.value)


@pytest.mark.case("A01")
def test_connect_asks_nobody() -> None:
    runner = FakeRunner()
    args = {**DEVSTACK["args"], "auth": {"username": "stack", "private_key_file": "~/.ssh/key"}}
    assert isinstance(cloud_of({"cloud_management": {**DEVSTACK, "args": args}}, runner), Cloud)
    assert runner.performed == []


@pytest.mark.case("A02")
def test_without_cloud_management(tmp_path: Path) -> None:
    assert "cloud_management is missing" in refused({"foo": "bar"})
    assert "cloud_management is missing" in refused({})
    (tmp_path / "empty.yaml").write_text("")
    with pytest.raises(ConfigError, match="cloud_management"):
        os_faults.connect(config_filename=tmp_path / "empty.yaml")


@pytest.mark.case("A03")
def test_unknown_cloud_driver() -> None:
    with pytest.raises(OSFDriverNotFound, match="devstuck"):
        cloud_of({"cloud_management": {"driver": "devstuck", "args": {}}})


@pytest.mark.case("A04")
def test_unknown_service_driver() -> None:
    with pytest.raises(OSFDriverNotFound, match="proces"):
        cloud_of({"cloud_management": DEVSTACK, "services": {"app": {"driver": "proces", "args": {}}}})


@pytest.mark.case("A05")
def test_a_service_more() -> None:
    with cloud_of({"cloud_management": DEVSTACK, "services": {"app": APP}}) as cloud:
        assert cloud.get_service("app").config["grep"] == "app --serve"
        assert cloud.get_service("keystone").NAME == "systemd"


@pytest.mark.case("A06")
def test_a_service_of_ours_is_replaced_as_a_whole() -> None:
    with cloud_of({"cloud_management": DEVSTACK, "services": {"keystone": APP}}) as cloud:
        service = cloud.get_service("keystone")
        assert service.NAME == "process"
        assert "units" not in service.config
        assert service.ports == []


def test_hosts_of_a_service() -> None:
    config = {**LISTED, "services": {"app": {**APP, "hosts": ["10.0.0.1", "10.0.0.2"]}}}
    with cloud_of(config, FakeRunner(hosts())) as cloud:
        nodes = cloud.get_service("app").get_nodes()  # though the hosts of the fixture know no such service
        assert [(node.ip, node.fqdn, node.mac) for node in nodes] == [
            tuple(n[k] for k in ("ip", "fqdn", "mac")) for n in NODES
        ]


@pytest.mark.case("A08")
def test_a_host_that_is_no_node() -> None:
    runner = FakeRunner()
    config = {**LISTED, "services": {"app": {**APP, "hosts": ["10.9.9.9"]}}}
    with cloud_of(config, runner) as cloud, pytest.raises(OSFError, match=r"10\.9\.9\.9"):
        cloud.get_service("app").restart()
    assert {action.verb for action in runner.performed} <= {"discover"}


@pytest.mark.case("A09")
def test_two_power_drivers_in_their_order() -> None:
    uris = ["qemu:///system", "test:///default"]
    entries = [{"driver": "libvirt", "args": {"connection_uri": uri}} for uri in uris]
    drivers = registry.drivers_of(load({"cloud_management": DEVSTACK, "power_managements": entries}))
    assert [driver.connection_uri for driver in drivers.power] == uris  # type: ignore[attr-defined]


@pytest.mark.case("A10")
def test_an_empty_list_of_power_drivers() -> None:
    assert "power_managements" in refused({"cloud_management": DEVSTACK, "power_managements": []})


@pytest.mark.case("A11")
@pytest.mark.parametrize(
    "nodes",
    [
        [{"ip": "10.0.0.1", "mac": "no:mac"}],
        [{"ip": "10.0.0.1", "mac": None}],
        [{"ip": "10.0.0.1", "color": "red"}],
        [{"fqdn": "n1.local"}],
        [],
    ],
    ids=["bad mac", "mac of null", "unknown key", "no ip", "empty"],
)
def test_bad_node_lists(nodes: list[Any]) -> None:
    assert "node_discover" in refused({**LISTED, "node_discover": {"driver": "node_list", "args": nodes}})


@pytest.mark.case("A12")
def test_ports() -> None:
    def with_port(port: Any) -> Config:
        return {
            "cloud_management": DEVSTACK,
            "services": {"app": {"driver": "process", "args": {"grep": "a b", "port": port}}},
        }

    for wrong in (["tcp", 70000], ["icmp", 1], ["tcp"], ["tcp", 1, "sideways"]):
        assert "services.app.args.port" in refused(with_port(wrong)), wrong
    for right in (["tcp", 1], ["udp", 65535, "egress"]):
        with cloud_of(with_port(right)) as cloud:
            assert cloud.get_service("app").ports == [tuple(right)]


@pytest.mark.case("A13")
def test_devstack_without_arguments() -> None:
    assert "address is missing" in refused({"cloud_management": {"driver": "devstack"}})


@pytest.mark.case("A14")
def test_a_misspelt_key() -> None:
    assert "did you mean 'services'" in refused({"cloud_management": DEVSTACK, "servces": {}})


@pytest.mark.case("A18")
def test_ipmi_needs_a_mapping() -> None:
    bmc = {"address": "10.30.0.2", "username": "admin", "password": "x"}
    by_mac, by_name = {"mac_to_bmc": {"52:54:00:00:00:01": bmc}}, {"fqdn_to_bmc": {"n1.local": bmc}}
    assert "power_managements" in refused({**LISTED, "power_managements": [{"driver": "ipmi", "args": {}}]})
    for args in (by_mac, by_name, {**by_mac, **by_name}):
        cloud_of({**LISTED, "power_managements": [{"driver": "ipmi", "args": args}]}).close()


@pytest.mark.case("A19")
def test_ipmi_with_a_key_that_is_no_mac() -> None:
    bmc = {"address": "10.30.0.2", "username": "admin", "password": "x"}
    why = refused({**LISTED, "power_managements": [{"driver": "ipmi", "args": {"mac_to_bmc": {"n1.local": bmc}}}]})
    assert "n1.local" in why


@pytest.fixture
def found(tmp_path: Path) -> Any:
    """Return a function that loads whatever is found from a directory, and names its cloud's address."""

    def find(**environ: str) -> str:
        config = load(environ={"HOME": str(tmp_path / "home"), **environ}, cwd=tmp_path)
        return str(config.cloud.args["address"])

    return find


def write(path: Path, address: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cloud_management": {"driver": "devstack", "address": address}}))


@pytest.mark.case("A21")
def test_the_file_of_the_environment_wins(found: Any, tmp_path: Path) -> None:
    write(tmp_path / "os-faults.yaml", "here")
    write(tmp_path / "named.yaml", "named")
    assert found(OS_FAULTS_CONFIG=str(tmp_path / "named.yaml")) == "named"


@pytest.mark.case("A22")
def test_json_before_yaml(found: Any, tmp_path: Path) -> None:
    write(tmp_path / "os-faults.json", "json")
    assert found() == "json"
    write(tmp_path / "os-faults.yaml", "yaml")
    assert found() == "json"


@pytest.mark.case("A23")
def test_nothing_found(found: Any, tmp_path: Path) -> None:
    with pytest.raises(OSFError) as nothing:
        found()
    for place in (tmp_path / "os-faults.json", tmp_path / "home/.config/openstack/os-faults.yml", "/etc/openstack"):
        assert str(place) in str(nothing.value)


@pytest.mark.case("A25")
def test_both_directories_of_the_user(found: Any, tmp_path: Path) -> None:
    write(tmp_path / "home/.config/os-faults/os-faults.yml", "os-faults")
    assert found() == "os-faults"
    write(tmp_path / "home/.config/openstack/os-faults.yml", "openstack")
    assert found() == "openstack"


@pytest.mark.case("A26")
def test_what_is_given_is_not_changed() -> None:
    jump = {"host": "jump.local"}
    config = {**LISTED, "node_discover": {"driver": "node_list", "args": [{**NODES[0], "auth": {"jump": jump}}]}}
    before = copy.deepcopy(config)
    with cloud_of(config) as cloud:
        cloud.get_nodes()
    assert config == before


@pytest.mark.case("A27")
def test_a_node_listed_twice() -> None:
    twice = {**LISTED, "node_discover": {"driver": "node_list", "args": [NODES[0], NODES[0]]}}
    with cloud_of(twice) as cloud:
        assert len(cloud.get_nodes()) == 1


@pytest.mark.case("A28")
def test_universal_without_nodes() -> None:
    assert "names no node" in refused({"cloud_management": {"driver": "universal"}})


@pytest.mark.case("A29")
@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"cloud_management": {"driver": "devstack", "args": {"address": "a", "auth": {"sudo": True}}}}, "sudo"),
        ({"cloud_management": {"driver": "devstack", "args": {"address": "a", "slaves": ["b"]}}}, "slaves"),
        ({"cloud_management": {"driver": "devstack_systemd", "args": {"address": "a"}}}, "devstack"),
        ({"cloud_management": DEVSTACK, "services": {"a": {"driver": "linux_servce", "args": {}}}}, "linux_service"),
    ],
    ids=["sudo", "slaves", "devstack_systemd", "misspelt"],
)
def test_what_is_gone_is_refused_by_name(config: Config, said: str) -> None:
    assert said in refused(config)


@pytest.mark.case("A29")
def test_what_was_gone_and_is_there_again() -> None:
    config = {
        "cloud_management": {"driver": "devstack", "address": "10.0.0.1", "username": "stack"},
        "power_management": {"driver": "libvirt", "address": "host.local", "username": "root"},
        "services": {"app": {"driver": "linux_service", "args": {"linux_service": "app", "grep": "app"}}},
    }
    with cloud_of(config) as cloud:
        assert cloud.get_service("app").config["units"] == ["app"]
    with_become = {"driver": "devstack", "args": {"address": "10.0.0.1", "auth": {"username": "stack", "become": True}}}
    cloud_of({"cloud_management": with_become}).close()


class _Point:
    def __init__(self, value: str) -> None:
        self.name, self.value = "twin", value


@pytest.mark.case("A30")
def test_two_drivers_of_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda group: (_Point("one:A"), _Point("two:B")))
    with pytest.raises(OSFDriverWithSuchNameExists, match=r"one:A and two:B"):
        registry.get("cloud", "twin")


@pytest.mark.case("A08")
def test_where_nobody_has_it() -> None:
    with (
        cloud_of({**LISTED, "services": {"app": APP}}, FakeRunner(hosts())) as cloud,
        pytest.raises(ServiceError, match="app"),
    ):
        cloud.get_service("app").restart()
