"""Promises of every driver that is installed, ours like anybody's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from os_faults import config, registry
from os_faults.config.schema import AUTH, SCHEMA
from os_faults.drivers.node_discover.node_list import NodeList
from os_faults.drivers.power import POWER_VERBS, SNAPSHOT_VERBS
from os_faults.drivers.power.ipmi import IpmiPower
from os_faults.drivers.power.libvirt import LibvirtPower
from os_faults.drivers.power.redfish import RedfishPower
from os_faults.errors import ConfigError
from os_faults.model import Interface, Node
from os_faults.resources import playbooks_dir, read_yaml

DRIVERS = [(kind, name) for kind in registry.KINDS for name in registry.names(kind)]


def example(driver: type) -> str:
    """Return the YAML of a driver's docstring."""
    block = re.search(r"\.\. code-block:: yaml\n\n((?:[ ]{4,}.*\n|\n)+)", dedent("    " + (driver.__doc__ or "")))
    assert block, f"{driver.__name__} has no YAML example in its docstring"
    return dedent(block[1])


@pytest.mark.parametrize(("kind", "name"), DRIVERS)
def test_name_and_words(kind: registry.Kind, name: str) -> None:
    driver = registry.get(kind, name)
    assert name == driver.NAME
    assert driver.DESCRIPTION
    assert "\n" not in driver.DESCRIPTION


@pytest.mark.parametrize(("kind", "name"), DRIVERS)
def test_example_loads(kind: registry.Kind, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BMC_PASSWORD", "canary")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".bmc").write_text("canary\n")
    (tmp_path / "example.yml").write_text(example(registry.get(kind, name)))
    content = read_yaml(tmp_path / "example.yml")
    content.setdefault("cloud_management", {"driver": "universal", "address": "10.0.0.2"})
    loaded = config.load(content)
    entries: dict[str, Any] = {
        "cloud": [loaded.cloud],
        "power": loaded.power,
        "service": loaded.services.values(),
        "container": loaded.containers.values(),
        "node_discover": [loaded.node_discover],
    }
    assert name in [entry.driver for entry in entries[kind]]
    for entry in entries[kind]:
        registry.get(kind, entry.driver)(entry.args, entry.where)


@pytest.mark.parametrize("schema", [SCHEMA, AUTH, *(registry.get(*driver).SCHEMA for driver in DRIVERS)])
def test_schema_is_one_and_has_words(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    speechless = [path for path, part in parts(schema) if part.keys() & NEEDS_WORDS and "description" not in part]
    assert not speechless, "each of these needs a `description`, to finish the sentence “… must be …”"


NEEDS_WORDS = {"pattern", "minimum", "maximum", "minLength", "minItems", "maxItems", "minProperties", "anyOf", "oneOf"}


def parts(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        yield path, schema
        for key, value in schema.items():
            yield from parts(value, f"{path}/{key}")
    elif isinstance(schema, list):
        for index, value in enumerate(schema):
            yield from parts(value, f"{path}/{index}")


@pytest.mark.parametrize("name", registry.names("power"))
@pytest.mark.parametrize(("folder", "verbs"), [("power", POWER_VERBS), ("snapshot", SNAPSHOT_VERBS)])
def test_a_power_driver_can_do_what_it_has_a_task_file_for(name: str, folder: str, verbs: frozenset[str]) -> None:
    has_tasks = (playbooks_dir() / "tasks" / folder / f"{name}.yml").is_file()
    assert registry.get("power", name).VERBS & verbs == (verbs if has_tasks else set())


@pytest.mark.parametrize(
    ("args", "uri"),
    [
        ({"address": "kvm.local", "username": "root"}, "qemu+ssh://root@kvm.local/system"),
        ({"address": "fd00::1", "auth": {"port": 2222}}, "qemu+ssh://[fd00::1]:2222/system"),
        ({"connection_uri": "test:///default"}, "test:///default"),
    ],
)
def test_libvirt_uri(args: dict[str, Any], uri: str) -> None:
    assert LibvirtPower(args).connection_uri == uri


def test_libvirt_knows_a_node_by_its_macs() -> None:
    driver = LibvirtPower({"connection_uri": "test:///default"})
    cards = (Interface("eth0", "52:54:00:00:00:01"), Interface("eth1", "52:54:00:00:00:02"))
    known = driver.variables(Node("node-1", "10.0.0.1", "52:54:00:00:00:02", cards))
    assert known == {"driver": "libvirt", "uri": "test:///default", "macs": ["52:54:00:00:00:02", "52:54:00:00:00:01"]}
    assert not driver.supports(Node("node-1", "10.0.0.1"))


def test_libvirt_with_domains_knows_these_nodes_only() -> None:
    driver = LibvirtPower({"address": "kvm", "username": "root", "domains": {"node-1": "vm 1"}})
    assert driver.supports(Node("node-1", "10.0.0.1"))
    assert not driver.supports(Node("node-2", "10.0.0.2"))
    told = driver.variables(Node("node-1", "10.0.0.1", "52:54:00:00:00:01"))
    assert told == {"driver": "libvirt", "uri": "qemu+ssh://root@kvm/system", "ssh_args": driver.auth, "domain": "vm 1"}


def test_libvirt_wants_no_password() -> None:
    with pytest.raises(ConfigError, match=r"^power\.password: libvirt logs in by a key or an agent"):
        LibvirtPower({"address": "kvm", "password": "canary"}, "power")


@pytest.mark.case("F17")
def test_ipmi_knows_a_node_by_any_of_its_macs_then_by_its_name() -> None:
    one, two = ({"address": f"10.0.0.{n}", "username": "admin", "password": "x", "port": 6230} for n in (1, 2))
    driver = IpmiPower({"mac_to_bmc": {"52:54:00:AA:BB:CC": one}, "fqdn_to_bmc": {"node-1": two, "node-2": two}})
    by_mac = Node("node-1", "10.0.0.1", interfaces=(Interface("eth1", "52:54:00:aa:bb:cc"),))
    assert driver.variables(by_mac) == {"driver": "ipmi", **one}
    assert driver.variables(Node("node-2", "10.0.0.2")) == {"driver": "ipmi", **two}
    assert isinstance(driver.variables(by_mac)["password"], config.Secret)
    assert not driver.supports(Node("node-3", "10.0.0.3", "52:54:00:aa:bb:cd"))


def test_ipmi_knows_macs_in_lower_case() -> None:
    bmc = {"address": "10.0.0.9", "username": "admin", "password": "x"}
    assert IpmiPower({"mac_to_bmc": {"52:54:00:AA:BB:CC": bmc}}).bmcs.by_mac == {"52:54:00:aa:bb:cc": bmc}


LOGIN = {"username": "admin", "password": "x"}


def test_redfish_knows_a_node_by_its_bmc() -> None:
    one = {"url": "https://10.0.0.1", "system": "S1", **LOGIN}
    two = {"url": "https://10.0.0.2", "verify": "/etc/ca.pem", **LOGIN}
    driver = RedfishPower({"mac_to_bmc": {"52:54:00:AA:BB:CC": one}, "fqdn_to_bmc": {"node-2": two}})
    by_mac = driver.variables(Node("node-1", "10.0.0.1", interfaces=(Interface("eth1", "52:54:00:aa:bb:cc"),)))
    assert by_mac == {"driver": "redfish", **one, "verify": True}
    by_name = driver.variables(Node("node-2", "10.0.0.2", "52:54:00:00:00:02"))
    assert by_name == {"driver": "redfish", **two, "verify": True, "ca_file": "/etc/ca.pem"}
    assert isinstance(by_name["password"], config.Secret)
    assert not driver.supports(Node("node-3", "10.0.0.3", "52:54:00:aa:bb:cd"))


def test_redfish_finds_a_node_in_the_service_for_many_by_its_macs() -> None:
    driver = RedfishPower(
        {"url": "http://rack:8000", "insecure_http": True, "verify": False, "connect_timeout": 5, **LOGIN}
    )
    told = driver.variables(Node("node-1", "10.0.0.1", "52:54:00:00:00:01"))
    assert told == {
        "driver": "redfish",
        "url": "http://rack:8000",
        **LOGIN,
        "verify": False,
        "macs": ["52:54:00:00:00:01"],
        "connect_timeout": 5,
    }
    assert isinstance(told["password"], config.Secret)
    assert not driver.supports(Node("node-2", "10.0.0.2"))


def test_redfish_with_systems_knows_these_nodes_only() -> None:
    driver = RedfishPower({"url": "https://rack", "systems": {"node-1": "S1"}, **LOGIN})
    assert driver.variables(Node("node-1", "10.0.0.1", "52:54:00:00:00:01"))["system"] == "S1"
    assert not driver.supports(Node("node-2", "10.0.0.2", "52:54:00:00:00:02"))


@pytest.mark.parametrize(
    ("driver", "args"),
    [
        (LibvirtPower, {"connection_uri": "test:///default"}),
        (IpmiPower, {"fqdn_to_bmc": {"node-1": {"address": "10.0.0.9", **LOGIN}}}),
        (RedfishPower, {"fqdn_to_bmc": {"node-1": {"url": "https://10.0.0.9", **LOGIN}}}),
    ],
)
def test_how_long_a_machine_may_be_silent_is_passed_on(driver: Any, args: dict[str, Any]) -> None:
    node = Node("node-1", "10.0.0.1")
    assert driver({**args, "connect_timeout": 7}).variables(node)["connect_timeout"] == 7
    assert "connect_timeout" not in driver(args).variables(node)
    with pytest.raises(ConfigError, match=r"^power\.connect_timeout must be a whole number of seconds, 1 or more"):
        driver({**args, "connect_timeout": 0}, "power")


def test_libvirt_knows_a_node_by_the_name_that_node_list_tells() -> None:
    (seed,) = NodeList([{"ip": "10.0.0.1", "mac": "52:54:00:00:00:01", "libvirt_name": "vm 1"}]).seeds()
    told = LibvirtPower({"connection_uri": "test:///default"}).variables(seed)
    assert told == {"driver": "libvirt", "uri": "test:///default", "domain": "vm 1"}


def test_node_list_takes_every_key_of_a_login() -> None:
    login: dict[str, Any] = {
        "username": "ubuntu",
        "password": "x",
        "private_key_file": "/key",
        "port": 2222,
        "connection": "ssh",
        "python_interpreter": "/usr/bin/python3.9",
        "become": True,
        "become_method": "su",
        "become_username": "admin",
        "become_password": "y",
        "jump": {"host": "bastion", "username": "me", "private_key_file": "/jump", "port": 2022},
    }
    flat, nested = NodeList([{"ip": "10.0.0.1", **login}, {"ip": "10.0.0.2", "auth": login}]).seeds()
    assert flat.auth == nested.auth
    assert (flat.auth.port, flat.auth.python, flat.auth.become_username) == (2222, "/usr/bin/python3.9", "admin")
    assert flat.auth.jump is not None
    assert flat.auth.jump.port == 2022
