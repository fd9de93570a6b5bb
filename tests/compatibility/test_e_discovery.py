"""Cases E: who is in the cloud."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from cloud_fixture import CONFIG, hosts

import os_faults
from os_faults import registry, resources
from os_faults.model import Action, HostResult
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
