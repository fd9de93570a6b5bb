"""Power of libvirt domains: `osf_libvirt_power` and `node_power.yml` against libvirt's own test driver.

The test driver keeps its domains in the process of the module, so each run starts from the same domains.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.libvirt_domains import NEEDS_LIBVIRT, OFF, PAUSED, UUID, domain, hypervisor

from os_faults import Node, NodeCollection, PartlyDone, connect

pytestmark = [pytest.mark.functional, NEEDS_LIBVIRT]

MAC, MAC_OFF, MAC_TWICE, MAC_TOLD = ("52:54:00:00:00:0a", "52:54:00:00:00:0b", "52:54:00:00:00:0c", "52:54:00:00:00:0d")


@pytest.fixture
def uri(tmp_path: Path) -> str:
    """A hypervisor of its own for each run: domains that are on, off, paused, transient, and two with one MAC."""
    return hypervisor(
        tmp_path,
        domain(1, "node-1", MAC, description=f"moved here from {MAC_TOLD}"),
        domain(2, "node-2", MAC_OFF, OFF),
        domain(3, "paused", "52:54:00:00:00:03", PAUSED),
        domain(4, "transient", "52:54:00:00:00:04", more="<test:transient/>"),
        domain(5, "clone-1", MAC_TWICE),
        domain(6, "clone-2", MAC_TWICE),
    )


def power(play: Any, action: str, who: Mapping[str, Mapping[str, Any]], check: bool = False, **common: Any) -> Any:
    """Run the playbook for nodes of these names: ``{"node": {"domain": …}}``."""
    hosts = {name: {"os_faults_power": {"driver": "libvirt", **common, **its}} for name, its in who.items()}
    # A node is never logged in to, so it may have a connection that leads nowhere.
    inventory = {"ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_become": True}
    return play("node_power.yml", hosts=hosts, inventory=inventory, check=check, node_action=action, wait_timeout=5)


@pytest.mark.case("F08")
@pytest.mark.parametrize(
    ("action", "told", "check"),
    [
        ("poweroff", {"node-1": ("on", "off"), "node-2": ("off", "off"), "paused": ("on", "off")}, False),
        ("poweroff", {"node-1": ("on", "off"), "node-2": ("off", "off"), "paused": ("on", "off")}, True),
        ("poweron", {"node-1": ("on", "on"), "node-2": ("off", "on"), "paused": ("on", "on")}, False),
        ("shutdown", {"node-1": ("on", "off"), "node-2": ("off", "off")}, False),
        ("reset", {"node-1": ("on", "on"), "paused": ("on", "on")}, False),
        ("reset", {"node-1": ("on", "on"), "paused": ("on", "on")}, True),
    ],
)
def test_every_action_from_every_state(
    play: Any, uri: str, action: str, told: dict[str, tuple[str, str]], check: bool
) -> None:
    done = power(play, action, {name: {"domain": name} for name in told}, check, uri=uri)
    assert done.rc == 0
    results = done.results()
    assert {name: (one["previous_state"], one["power_state"]) for name, one in results.items()} == told
    for name, (before, after) in told.items():
        assert results[name]["changed"] == (before != after or action == "reset")
        assert results[name]["domain"] == name
        assert results[name]["waited"] < 2


@pytest.mark.case("F05")
def test_a_domain_is_found_by_name_by_uuid_and_by_mac_of_any_case(play: Any, uri: str) -> None:
    ways = {
        "name": {"domain": "node-1"},
        "uuid": {"domain": UUID},
        "uuid-upper": {"domain": UUID.upper()},
        "mac": {"macs": [MAC]},
        "mac-upper": {"macs": [MAC.upper().replace(":", "-")]},
        "mac-second": {"macs": ["02:00:00:00:00:01", MAC]},
    }
    results = power(play, "poweroff", ways, uri=uri).results()
    found = {name: (one["domain"], one["uuid"], one["matched_by"]) for name, one in results.items()}
    assert found == {name: ("node-1", UUID, name.partition("-")[0]) for name in ways}


@pytest.mark.case("F05", "F13")
def test_what_cannot_be_is_refused_in_a_sentence(play: Any, uri: str) -> None:
    others = "its domains: clone-1, clone-2, node-1, node-2, paused, transient"
    told_macs = f"02:00:00:00:00:01 or {MAC_TOLD}"
    cases = {
        "part-of-a-name": ({"domain": "node"}, f"has no domain with the name or UUID 'node'; {others}"),
        "in-the-text": (
            {"macs": ["02:00:00:00:00:01", MAC_TOLD]},
            f"has no domain with an interface of the MAC address {told_macs}; {others}",
        ),
        "twice": ({"macs": [MAC_TWICE]}, f"has 2 domains with the MAC address {MAC_TWICE}: clone-1, clone-2; say"),
        "several": (
            {"macs": ["02:00:00:00:00:01", MAC_OFF, MAC]},
            f"has 2 domains with the MAC address {MAC_OFF} or {MAC}: node-1, node-2; say which by name",
        ),
        "paused": ({"domain": "paused"}, "domain paused of {uri} is paused, so it can't be asked to shut down"),
        "transient": ({"domain": "transient"}, "domain transient of {uri} is transient, so without power it would be"),
        "nobody": ({}, "one of the following is required: domain, macs"),
        "nowhere": ({"uri": "test:///no/such/file", "domain": "x"}, "libvirt at test:///no/such/file can't be asked: "),
    }
    done = power(play, "shutdown", {name: who for name, (who, _) in cases.items()}, uri=uri)
    assert done.rc == 2
    for name, (_, sentence) in cases.items():
        assert sentence.format(uri=uri) in done.failures[name]


@pytest.mark.parametrize("check", [False, True], ids=["for real", "check mode"])
def test_a_reset_of_a_domain_that_is_off_is_refused(play: Any, uri: str, check: bool) -> None:
    done = power(play, "reset", {"here": {"macs": [MAC_OFF]}}, check, uri=uri)
    why = f"domain node-2 of {uri} is off, so there is nothing to reset (poweron starts it)"
    assert done.failures == {"here": why}


@pytest.mark.each_line
def test_what_a_hypervisor_tells_is_no_template(play: Any, tmp_path: Path) -> None:
    """Also where it is passed on, to the task that waits for the node."""
    name = "vm {{ 6 * 7 }} {% raw %}"
    uri = hypervisor(tmp_path, domain(1, name, MAC, OFF), domain(2, "node-2", MAC_OFF))
    hosts = {
        "here": {"os_faults_power": {"driver": "libvirt", "uri": uri, "macs": [MAC]}},
        "stranger": {"os_faults_power": {"driver": "libvirt", "uri": uri, "domain": "nobody"}},
    }
    done = play("node_power.yml", hosts=hosts, node_action="poweron", wait=True)
    answered = done.results("osf_answer")["here"]
    assert (answered["domain"], answered["power_state"]) == (name, "on")
    assert answered["boot_id_after"], "the host was asked"
    assert done.failures == {
        "stranger": f"libvirt at {uri} has no domain with the name or UUID 'nobody'; its domains: node-2, {name}"
    }


def test_the_difference_is_shown(play: Any, uri: str) -> None:
    here = {"here": {"os_faults_power": {"driver": "libvirt", "uri": uri, "domain": "node-1"}}}
    shown = play("node_power.yml", hosts=here, check=True, diff=True, node_action="poweroff").result["diff"]
    assert shown == {"before": {"power_state": "on"}, "after": {"power_state": "off"}}


@pytest.mark.each_line
@pytest.mark.case("F04")
def test_of_several_nodes_one_fails_and_is_named(play: Any, uri: str) -> None:
    done = power(play, "poweroff", {name: {"domain": name} for name in ("node-1", "node-2", "node-9")}, uri=uri)
    assert list(done.failures) == ["node-9"]
    assert [done.results()[name]["power_state"] for name in ("node-1", "node-2")] == ["off", "off"]


def test_the_verbs_of_python(uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a configuration to a domain; the nodes themselves are never reached."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    config = {
        "cloud_management": {"driver": "universal", "nodes": ["192.0.2.1"], "username": "stack", "become": True},
        "power_management": {"driver": "libvirt", "connection_uri": uri},
        "artifacts_dir": str(tmp_path / "runs"),
    }
    with connect(config) as cloud:
        nodes = NodeCollection([Node("one.local", "192.0.2.1", MAC), Node("two.local", "192.0.2.2", MAC_OFF)], cloud)
        result = nodes.poweroff()
        assert {name: (host.changed, host.payload["power_state"]) for name, host in result.items()} == {
            "one.local": (True, "off"),
            "two.local": (False, "off"),
        }
        with pytest.raises(
            PartlyDone, match=r"two\.local failed: domain node-2 of .* is off, .* \(1 of 2 nodes did it\)"
        ):
            nodes.reset()


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A unix socket and a TCP port where somebody listens and never says a word."""
    with socket.socket(socket.AF_UNIX) as local, socket.socket() as remote:
        local.bind(str(tmp_path / "libvirt.sock"))
        remote.bind(("127.0.0.1", 0))
        local.listen()
        remote.listen()
        yield str(tmp_path / "libvirt.sock"), remote.getsockname()[1]


def test_a_libvirt_that_never_answers_is_given_up(play: Any, silent: tuple[str, int]) -> None:
    ssh = ["-o", "BatchMode=yes"]
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        hypervisors = {
            "local": {"uri": f"qemu+unix:///system?socket={silent[0]}", "connect_timeout": 2},
            "remote": {
                "uri": f"qemu+ssh://root@127.0.0.1:{silent[1]}/system",
                "ssh_args": [*ssh, "-o", "ConnectTimeout=1"],
            },
            "closed": {"uri": f"qemu+ssh://root@127.0.0.1:{closed.getsockname()[1]}/system", "ssh_args": ssh},
        }
        begin = time.monotonic()
        why = power(play, "poweroff", hypervisors, domain="node-1").failures
    assert time.monotonic() - begin < 15
    assert why["local"] == f"libvirt at {hypervisors['local']['uri']} did not answer within 2 s"
    for name, reason in (("remote", "timed out"), ("closed", "Connection refused")):
        assert why[name].startswith(f"libvirt at {hypervisors[name]['uri']} can't be asked: ")
        assert reason in why[name]
