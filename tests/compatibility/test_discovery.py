"""Cases E: who is in the cloud."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from support.cloud_fixture import CONFIG, hosts

import os_faults
from os_faults import CloudManagementError, registry, resources
from os_faults.model import Action, HostResult, Status
from os_faults.testing import FakeRunner


@pytest.mark.functional
@pytest.mark.case("E01")
def test_this_machine(tmp_path: Path) -> None:
    iface = min(path.name for path in Path("/sys/class/net").glob("e*"))
    login = {"connection": "local", "python_interpreter": sys.executable, "become": False}
    management = {"driver": "devstack", "address": "127.0.0.1", "iface": iface, **login}
    with os_faults.connect({"cloud_management": management, "artifacts_dir": str(tmp_path / "runs")}) as cloud:
        (node,) = cloud.get_nodes()
        assert node.ip == "127.0.0.1"
        assert node.mac == Path(f"/sys/class/net/{iface}/address").read_text().strip()


@pytest.mark.case("E02")
def test_the_interface_is_found() -> None:
    with os_faults.connect(CONFIG, runner=FakeRunner(hosts())) as cloud:
        assert cloud.get_nodes(["10.0.0.2"])[0].mac == "52:54:00:00:00:02"


@pytest.mark.case("E08")
def test_listed_nodes_are_all_there_is() -> None:
    asked = set()

    def answer(action: Action, node: str) -> HostResult:
        asked.update(each.ip for each in action.nodes)
        return hosts()(action, node)

    listed = {"driver": "node_list", "args": [{"ip": "10.0.0.2", "fqdn": "listed.local"}]}
    with os_faults.connect({**CONFIG, "node_discover": listed}, runner=FakeRunner(answer)) as cloud:
        assert cloud.get_nodes().get_fqdns() == ["listed.local"]
        cloud.verify()
    assert asked == {"10.0.0.2"}


@pytest.mark.case("E09")
@pytest.mark.parametrize("name", registry.names("cloud"))
def test_services_of_ours_are_what_their_drivers_take(name: str) -> None:
    catalogue: dict[str, dict[str, Any]] = resources.catalogue(registry.get("cloud", name).catalogue)
    for service, definition in catalogue.items():
        args = {key: value for key, value in definition.items() if key != "driver"}
        entry = registry.get("service", definition["driver"])(args, service).entry()
        assert entry == {"ports": [], **definition}


SALT: dict[str, Any] = {
    "driver": "saltcloud",
    "args": {
        "address": "cfg01.local",
        "auth": {"username": "root", "private_key_file": "/keys/master"},
        "slave_auth": {"username": "ubuntu", "private_key_file": "/keys/nodes"},
    },
}


def minion(interface: str, address: str, mac: str) -> dict[str, Any]:
    return {"lo": {"hwaddr": "00:00:00:00:00:00"}, interface: {"hwaddr": mac, "inet": [{"address": address}]}}


MINIONS = {
    "cmp02": minion("eth2", "10.0.0.3", "52:54:00:00:00:c3"),
    "cmp01": minion("eth1", "10.0.0.2", "52:54:00:00:00:c2"),
}


def salt_of(addresses: dict[str, str], asked: list[Action], **args: Any) -> os_faults.Cloud:
    """Return a cloud whose master tells of two minions; what is asked is kept."""
    config = {"cloud_management": {**SALT, "args": {**SALT["args"], **args}}}
    return os_faults.connect(config, runner=master_of(addresses, asked))


def master_of(addresses: dict[str, str], asked: list[Action]) -> FakeRunner:
    def answer(action: Action, node: str) -> HostResult:
        asked.append(action)
        if action.playbook == "list_salt.yml":
            return HostResult(node, Status.OK, payload={"interfaces": MINIONS, "addresses": addresses})
        return HostResult(node, Status.OK, payload={"node": {"fqdn": node}, "services": {}, "containers": {}})

    return FakeRunner(answer)


ADDRESSES = {"cmp01": "10.0.0.2", "cmp02": "10.0.0.3"}


@pytest.mark.case("A17")
def test_the_configuration_of_saltcloud() -> None:
    asked: list[Action] = []
    salt_of(ADDRESSES, asked).close()
    assert asked == []


@pytest.mark.case("E04")
def test_nodes_of_salt() -> None:
    with salt_of(ADDRESSES, []) as cloud:
        assert [(node.ip, node.mac, node.fqdn) for node in cloud.get_nodes()] == [
            ("10.0.0.2", "52:54:00:00:00:c2", "cmp01"),
            ("10.0.0.3", "52:54:00:00:00:c3", "cmp02"),
        ]


@pytest.mark.case("E05")
def test_an_address_that_no_interface_has() -> None:
    cloud = salt_of({**ADDRESSES, "cmp02": "10.0.0.99"}, [])
    with cloud, pytest.raises(CloudManagementError, match=r"cmp02.*10\.0\.0\.99"):
        cloud.get_nodes()


@pytest.mark.case("E06")
def test_which_minions_are_asked() -> None:
    for args, wanted in (({"slave_name_regexp": "^cmp"}, ["cmp01"]), ({}, ["cmp01", "ctl01"])):
        asked: list[Action] = []
        with salt_of(ADDRESSES, asked, **args) as cloud:
            cloud.get_nodes()
        (question,) = [action for action in asked if action.playbook == "list_salt.yml"]
        regexp = question.arguments["minions"]
        assert [name for name in ("cmp01", "ctl01", "cfg01", "mon01") if re.match(regexp, name)] == wanted


@pytest.mark.case("E07")
def test_directly_or_through_the_master() -> None:
    with salt_of(ADDRESSES, [], slave_direct_ssh=True) as cloud:
        assert {node.auth.jump for node in cloud.get_nodes()} == {None}
    with salt_of(ADDRESSES, []) as cloud:
        (auth, _) = [node.auth for node in cloud.get_nodes()]
        assert auth.jump is not None
        assert (auth.username, auth.jump.host) == ("ubuntu", "cfg01.local")


@pytest.mark.case("E11")
def test_what_the_master_told_is_written_down() -> None:
    asked: list[Action] = []
    written = os_faults.discover({"cloud_management": SALT}, runner=master_of(ADDRESSES, asked))
    asked.clear()
    with salt_of(ADDRESSES, []) as before, os_faults.connect(written, runner=master_of({}, asked)) as after:
        told = [[(node.fqdn, node.ip, node.mac, node.auth) for node in cloud.get_nodes()] for cloud in (before, after)]
    assert told[0] == told[1]
    assert "list_salt.yml" not in {action.playbook for action in asked}, "the master is asked again"
