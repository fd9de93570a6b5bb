"""Several power drivers at once: the first that knows a node acts on its machine, all nodes in one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.bmc import NEEDS_IPMI_SIM, Bmc, starter
from support.libvirt_domains import NEEDS_LIBVIRT, UUID, domain, hypervisor

from os_faults import Node, NodeCollection, PowerManagementError, connect

pytestmark = [pytest.mark.functional, NEEDS_IPMI_SIM, NEEDS_LIBVIRT]

MACS = {"one.local": "52:54:00:00:00:01", "two.local": "52:54:00:00:00:02", "bmc.local": "52:54:00:00:00:03"}


@pytest.fixture
def bmcs(tmp_path: Path) -> Iterator[Callable[..., list[Bmc]]]:
    with starter(tmp_path) as start:
        yield start


@pytest.fixture
def uris(tmp_path: Path) -> tuple[str, str]:
    """Two hypervisors; both have a domain `vm`, and the second one knows the MAC addresses of all nodes."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = hypervisor(tmp_path / "a", domain(1, "vm", "52:54:00:00:0a:01"))
    second = hypervisor(
        tmp_path / "b",
        *(domain(2 + at, f"vm-{at}", mac) for at, mac in enumerate(MACS.values())),
        domain(9, "vm", "52:54:00:00:0b:01"),
    )
    return first, second


def config(tmp_path: Path, *drivers: dict[str, Any]) -> dict[str, Any]:
    return {
        "cloud_management": {"driver": "universal", "nodes": ["192.0.2.1"], "username": "stack"},
        "power_managements": list(drivers),
        "artifacts_dir": str(tmp_path / "runs"),
    }


@pytest.fixture(autouse=True)
def _state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def nodes(cloud: Any, *names: str) -> NodeCollection:
    return NodeCollection([Node(name, "192.0.2.1", MACS[name]) for name in names], cloud)


@pytest.mark.each_line
def test_a_bmc_and_two_hypervisors_of_which_the_last_takes_what_is_left(
    bmcs: Callable[..., list[Bmc]], uris: tuple[str, str], tmp_path: Path
) -> None:
    (bmc,) = bmcs(1)
    drivers = [
        {"driver": "ipmi", "fqdn_to_bmc": {"bmc.local": bmc.login()}, "connect_timeout": 9},
        {"driver": "libvirt", "connection_uri": uris[0], "domains": {"one.local": "vm"}, "connect_timeout": 9},
        {"driver": "libvirt", "connection_uri": uris[1]},
    ]
    with connect(config(tmp_path, *drivers)) as cloud:
        result = nodes(cloud, *MACS).reset()
        assert bmc.asked == ["reset 1"]
        assert result["bmc.local"].payload["bmc"] == f"127.0.0.1:{bmc.port}"
        found = {name: result[name].payload["uuid"] for name in ("one.local", "two.local")}
        assert found == {"one.local": UUID, "two.local": UUID[:-1] + "3"}
        with pytest.raises(PowerManagementError, match=r"bmc\.local \(ipmi\) can't do snapshot; nothing was done"):
            nodes(cloud, *MACS).snapshot("ready")
        assert nodes(cloud, "one.local", "two.local").snapshot("ready")["two.local"].payload["snapshots"] == ["ready"]


@pytest.mark.case("F01")
def test_two_hypervisors_each_with_the_domains_that_are_told(uris: tuple[str, str], tmp_path: Path) -> None:
    drivers = [
        {"driver": "libvirt", "connection_uri": uris[0], "domains": {"one.local": "vm"}},
        {"driver": "libvirt", "connection_uri": uris[1], "domains": {"two.local": "vm"}},
    ]
    with connect(config(tmp_path, *drivers)) as cloud:
        result = nodes(cloud, "one.local", "two.local").poweroff()
        found = {name: host.payload["uuid"] for name, host in result.items()}
        assert found == {"one.local": UUID, "two.local": UUID[:-1] + "9"}
        with pytest.raises(PowerManagementError, match=r"no power driver knows bmc\.local"):
            nodes(cloud, *MACS).poweroff()
