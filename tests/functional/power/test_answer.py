"""osf_answer: how node_power.yml waits for hosts that real BMCs start and reset; see support/powered_host.py."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.powered_host import NEEDS_POWERED_HOST, Host, powered_hosts

from os_faults import AnsibleExecutionException, Cloud, NodeCollection, connect

pytestmark = [pytest.mark.functional, NEEDS_POWERED_HOST]


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Callable[..., Host]]:
    with powered_hosts(tmp_path) as start:
        yield start


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., NodeCollection]]:
    """Make nodes of hosts."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    opened: list[Cloud] = []

    def of(**named: Host) -> NodeCollection:
        config = {
            "cloud_management": {"driver": "universal", "nodes": ["192.0.2.1"]},
            "power_management": {
                "driver": "ipmi",
                "fqdn_to_bmc": {name: host.bmc.login() for name, host in named.items()},
            },
            "ssh": {"host_key_policy": "off"},
            "artifacts_dir": str(tmp_path / "runs"),
        }
        opened.append(connect(config))
        return NodeCollection([host.node(name) for name, host in named.items()], opened[-1])

    yield of
    for cloud in opened:
        cloud.close()


def test_a_reset_is_waited_for_until_the_node_answers_with_another_boot_id(
    hosts: Callable[..., Host], nodes: Callable[..., NodeCollection]
) -> None:
    named = {"soon": hosts(), "late": hosts("late"), "hung": hosts()}
    before = {name: host.boot_id for name, host in named.items()}
    named["hung"].do("power", 0)
    result = nodes(**named).reset(wait=True, wait_timeout=90)
    for name, host in named.items():
        payload = result[name].payload
        assert payload["boot_id_before"] == (None if name == "hung" else before[name])
        assert payload["boot_id_after"] == host.boot_id != before[name]
        assert (payload["previous_state"], payload["power_state"]) == ("on", "on")


def test_a_node_that_does_not_come_back_or_never_went_is_a_failure_in_time(
    hosts: Callable[..., Host], nodes: Callable[..., NodeCollection]
) -> None:
    lost, tied = hosts("lost"), hosts("tied")
    begin = time.monotonic()
    with pytest.raises(AnsibleExecutionException) as caught:
        nodes(lost=lost, tied=tied).reset(wait=True, wait_timeout=4)
    assert time.monotonic() - begin < 60
    result = caught.value.result
    assert "the host has power, but did not answer within 4 s: " in result["lost"].message
    assert f"it was not restarted within 4 s: its boot id is still {tied.boot_id}" in result["tied"].message


@pytest.mark.each_line
def test_poweron_is_waited_for_until_the_node_answers(
    hosts: Callable[..., Host], nodes: Callable[..., NodeCollection]
) -> None:
    host = hosts()
    before = host.boot_id
    cloud_nodes = nodes(node=host)
    cloud_nodes.run_task({"ansible.builtin.ping": {}})  # so there is a shared connection, which dies
    cloud_nodes.poweroff()
    assert cloud_nodes.power_state() == {"node": "off"}
    payload = cloud_nodes.poweron(wait=True, wait_timeout=30)["node"].payload
    assert payload["boot_id_after"] == host.boot_id != before
    assert (payload["previous_state"], payload["power_state"]) == ("off", "on")
