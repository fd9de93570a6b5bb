"""Power by IPMI: `osf_ipmi_power`, `node_power.yml` and the verbs of Python against the BMCs of Debian's `ipmi_sim`."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.bmc import NEEDS_IPMI_SIM, PASSWORD, Bmc, free_port, starter

from os_faults import Cloud, Node, NodeCollection, connect

pytestmark = [pytest.mark.functional, NEEDS_IPMI_SIM]


@pytest.fixture
def new_bmcs(tmp_path: Path) -> Iterator[Callable[..., list[Bmc]]]:
    with starter(tmp_path) as start:
        yield start


@pytest.fixture
def bmc(new_bmcs: Callable[..., list[Bmc]]) -> Bmc:
    return new_bmcs(1)[0]


def power(play: Any, action: str, logins: Mapping[str, Mapping[str, Any]], check: bool = False, wait: int = 10) -> Any:
    """Run the playbook for nodes of these names; the password is looked up, as the inventory of os_faults does it."""
    hosts = {}
    for name, login in logins.items():
        path = Path(os.environ["TMPDIR"]) / f"secret-{name}"
        path.write_text(str(login["password"]))
        look_up = f"{{{{ lookup('ansible.builtin.file', '{path}', rstrip=false) }}}}"
        hosts[name] = {"os_faults_power": {"driver": "ipmi", **login, "password": look_up}}
    inventory = {"ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_become": True}
    return play("node_power.yml", hosts=hosts, inventory=inventory, check=check, node_action=action, wait_timeout=wait)


@pytest.fixture(autouse=True)
def _secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secrets").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "secrets"))


@pytest.mark.each_line
def test_every_action_from_every_state(play: Any, new_bmcs: Callable[..., list[Bmc]]) -> None:
    here, there = new_bmcs(2)
    logins = {"here": here.login(), "there": there.login(username="careful", privilege="operator")}
    steps = [
        # action, whether in check mode, power before and after, what each machine is asked for
        ("poweroff", False, ("on", "off"), ("off", "off"), (["power 0"], [])),
        ("poweron", False, ("on", "off"), ("on", "on"), ([], ["power 1"])),
        ("shutdown", True, ("off", "on"), ("off", "off"), ([], ["shutdown 1"])),
        ("shutdown", False, ("off", "on"), ("off", "off"), ([], ["shutdown 1"])),
        ("reset", True, ("on", "on"), ("on", "on"), (["reset 1"], ["reset 1"])),
        ("reset", False, ("on", "on"), ("on", "on"), (["reset 1"], ["reset 1"])),
    ]
    for action, check, *states in steps:
        for bmc, power_before in zip((here, there), states[0], strict=True):
            bmc.power = power_before
        lengths = [len(bmc.asked) for bmc in (here, there)]
        done = power(play, action, logins, check)
        assert done.rc == 0, (action, done.failures)
        told = [done.results()[name] for name in logins]
        for bmc, length, result, before, after, asked in zip((here, there), lengths, told, *states, strict=True):
            assert (result["previous_state"], result["power_state"]) == (before, after)
            assert result["changed"] == bool(asked)
            assert result["bmc"] == f"127.0.0.1:{bmc.port}"
            assert bmc.asked[length:] == ([] if check else asked)
            assert bmc.power == (before if check else after)


@pytest.mark.case("F15", "F16")
def test_what_goes_wrong_is_told_in_a_sentence_and_in_time(play: Any, new_bmcs: Callable[..., list[Bmc]]) -> None:
    off, deaf, stuck = new_bmcs(3)
    off.power = "off"
    (deaf.folder / "deaf").touch()
    (stuck.folder / "stuck").touch()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind(("127.0.0.1", 0))  # takes every packet and never answers
        logins = {
            "password": deaf.login(password="canary-wrong"),
            "user": deaf.login(username="nobody"),
            "closed": {**deaf.login(), "port": free_port(), "connect_timeout": 8},
            "hole": {**deaf.login(), "port": hole.getsockname()[1], "connect_timeout": 3},
            "name": {**deaf.login(), "address": "no-such-host.invalid"},
            "deaf": deaf.login(),
        }
        begin = time.monotonic()
        done = power(play, "shutdown", logins, wait=2)
        assert time.monotonic() - begin < 40
    places = {name: f"{login['address']}:{login['port']}" for name, login in logins.items()}
    told = {
        "password": f"the BMC at {places['password']} refuses the password of the user 'admin'",
        "user": f"the BMC at {places['user']} has no user 'nobody'",
        "closed": f"no BMC answers at {places['closed']}: it is off, nothing listens there, or the way is closed",
        "hole": f"the BMC at {places['hole']} did not answer within 3 s",
        "deaf": f"the machine of the BMC at {places['deaf']} is still on 2 s after it was asked to shut down: its "
        "operating system may ignore the power button (poweroff cuts the power)",
    }
    assert {name: done.failures[name] for name in told} == told
    assert f"the BMC at {places['name']}: " in done.failures["name"]
    assert not [text for text in (*done.failures.values(), done.stdout, str(done.events)) if "canary" in text]

    done = power(play, "reset", {"off": off.login(), "on": deaf.login()})
    assert list(done.failures) == ["off"]
    assert "is off, so there is nothing to reset" in done.failures["off"]
    done = power(play, "poweroff", {"stuck": stuck.login()}, wait=2)
    assert "is still on 2 s after its power was cut" in done.failures["stuck"]


def test_a_bmc_with_a_key_of_its_own(play: Any, new_bmcs: Callable[..., list[Bmc]]) -> None:
    (bmc,) = new_bmcs(1, more='bmc_key "kg-canary"')
    logins = {"right": bmc.login(kg="kg-canary"), "hex": bmc.login(kg="0x" + b"kg-canary".hex()), "none": bmc.login()}
    done = power(play, "poweroff", logins, check=True)
    assert list(done.failures) == ["none"]


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[Bmc]], Cloud]]:
    """A cloud whose nodes have these BMCs, the first by MAC address in the other case and the rest by name."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("BMC_PASSWORD", PASSWORD)
    opened: list[Cloud] = []

    def of(bmcs: list[Bmc]) -> Cloud:
        logins = [bmc.login(password={"env": "BMC_PASSWORD"}) for bmc in bmcs]
        config = {
            "cloud_management": {"driver": "universal", "nodes": ["192.0.2.1"], "username": "stack", "become": True},
            "power_management": {
                "driver": "ipmi",
                "mac_to_bmc": {"52:54:00:AA:00:00": logins[0]},
                "fqdn_to_bmc": {f"node-{number}": login for number, login in enumerate(logins) if number},
            },
            "artifacts_dir": str(tmp_path / "runs"),
        }
        opened.append(connect(config))
        return opened[-1]

    yield of
    for each in opened:
        each.close()


def nodes_of(cloud: Cloud, count: int) -> NodeCollection:
    nodes = [Node(f"node-{number}", f"192.0.2.{number + 1}") for number in range(1, count)]
    return NodeCollection([Node("node-0", "192.0.2.1", "52:54:00:aa:00:00"), *nodes], cloud)


def test_the_verbs_of_python_and_no_password_in_what_stays(
    cloud: Callable[[list[Bmc]], Cloud], new_bmcs: Callable[..., list[Bmc]], tmp_path: Path
) -> None:
    bmcs = new_bmcs(2)
    nodes = nodes_of(cloud(bmcs), 2)
    nodes.poweroff()
    assert [bmc.power for bmc in bmcs] == ["off", "off"]
    nodes.poweron()
    assert [bmc.power for bmc in bmcs] == ["on", "on"]
    stays = [path for folder in ("runs", "state") for path in (tmp_path / folder).rglob("*") if path.is_file()]
    assert len(stays) > 10
    assert not [path for path in stays if b"canary" in path.read_bytes()]


@pytest.mark.case("F19")
def test_ten_bmcs_take_about_the_time_of_one(
    cloud: Callable[[list[Bmc]], Cloud], new_bmcs: Callable[..., list[Bmc]]
) -> None:
    bmcs = new_bmcs(10)
    nodes = nodes_of(cloud(bmcs), 10)
    begin = time.monotonic()
    nodes[:1].poweroff()
    one = time.monotonic() - begin
    begin = time.monotonic()
    nodes.shutdown()
    ten = time.monotonic() - begin
    assert {bmc.power for bmc in bmcs} == {"off"}
    assert ten < 5 * one
