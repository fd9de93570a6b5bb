"""A node that lies about its MAC addresses does not lead a power verb to another machine: real BMCs, hosts that lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.bmc import NEEDS_IPMI_SIM, Bmc, starter
from support.lying_host import Liar

from os_faults import GuardRailError, PowerManagementError, connect

pytestmark = [pytest.mark.functional, NEEDS_IPMI_SIM]

VM, OWN = "52:54:00:00:00:0a", "52:54:00:00:00:0b"


@pytest.fixture
def bmcs(tmp_path: Path) -> Iterator[list[Bmc]]:
    """The BMC of the node `vm`, and that of `evil`."""
    with starter(tmp_path) as start:
        yield start(2)


@pytest.fixture
def config(tmp_path: Path, bmcs: list[Bmc], monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Return a configuration of two nodes; keywords are what is told of them beside their addresses."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def node(name: str, address: str, mac: str, told: dict[str, Any]) -> dict[str, Any]:
        card = {"name": "eth0", "mac": mac, "addresses": [address]}
        liar = Liar(tmp_path / name)
        liar.lies(osf_node_info={"put": [[["node", "interfaces"], [card]], [["node", "default_interface"], "eth0"]]})
        login = {"connection": "local", "python_interpreter": str(liar.python)}
        return {"ip": address, "fqdn": f"{name}.local", **login, **told}

    def config(reported: str, vm: dict[str, Any] | None = None, evil: dict[str, Any] | None = None) -> dict[str, Any]:
        victim, liar = node("vm", "127.0.0.2", VM, vm or {}), node("evil", "127.0.0.3", reported, evil or {})
        login = {mac: bmc.login() for mac, bmc in zip((VM, OWN), bmcs, strict=True)}
        return {
            "cloud_management": {"driver": "universal"},
            "node_discover": {"driver": "node_list", "args": [victim, liar]},
            "power_management": {"driver": "ipmi", "mac_to_bmc": login, "connect_timeout": 9},
            "artifacts_dir": str(tmp_path / "runs"),
        }

    return config


def test_a_node_with_the_mac_of_another_is_refused(config: Callable[..., dict[str, Any]], bmcs: list[Bmc]) -> None:
    with connect(config(VM)) as cloud:
        nodes = cloud.get_nodes(["evil.local"])
        why = rf"the MAC address {VM} is claimed by evil\.local and vm\.local"
        for verb in (nodes.poweroff, nodes.reset, nodes.shutdown):
            with pytest.raises(PowerManagementError, match=why):
                verb()
    assert [bmc.asked for bmc in bmcs] == [[], []]


def test_where_the_configuration_tells_the_machines_a_lie_is_nothing(
    config: Callable[..., dict[str, Any]], bmcs: list[Bmc]
) -> None:
    protected = {"protected": {"nodes": ["vm.local"]}}
    with connect({**config(VM, vm={"mac": VM}, evil={"mac": OWN}), **protected}) as cloud:
        cloud.get_nodes(["evil.local"]).poweroff()
        assert [bmc.power for bmc in bmcs] == ["on", "off"]
        with pytest.raises(GuardRailError, match=r"vm\.local is protected"):
            cloud.get_nodes(["vm.local"]).poweroff()
        cloud.get_nodes(["evil.local"]).poweron()
    assert bmcs[0].asked == []
    assert bmcs[1].power == "on"


def test_who_tells_the_truth_is_acted_on(config: Callable[..., dict[str, Any]], bmcs: list[Bmc]) -> None:
    with connect(config(OWN)) as cloud:
        cloud.get_nodes(["evil.local"]).reset()
    assert [bmc.asked for bmc in bmcs] == [[], ["reset 1"]]
