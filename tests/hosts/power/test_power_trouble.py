"""Power when something is wrong: with the configuration, the way to the machine, the machine, or the hypervisor."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hostlab.child import Child
from hostlab.command import Shell
from hostlab.guest import BOOTED, CUT, RESTORED, SHUT_DOWN, Guest
from hostlab.lab import Lab
from hostlab.machines import config, managements
from hostlab.observer import Host
from hostlab.waiting import wait_for

from os_faults import AnsibleExecutionException, Cloud, Node, NodeCollection, PartlyDone, Result, connect

SILENT = "10.77.0.32"
"""An address of the hypervisor (the second guest's BMC), when a firewall drops all that is for it."""


@contextmanager
def black_hole(hypervisor: Host, address: str) -> Iterator[None]:
    """Drop all that comes for an address of the hypervisor, without an answer."""
    table = "inet lab_black_hole"
    hypervisor.sh(
        f"nft 'table {table} {{ chain input {{ type filter hook input priority 0; ip daddr {address} drop; }}; }}'"
    )
    try:
        yield
    finally:
        hypervisor.sh(f"nft delete table {table}")


def wrong_ways(lab: Lab) -> dict[str, tuple[dict[str, Any], str]]:
    """Return name of a node → a power management that can't work for it, and what the error says."""
    ways = managements(lab)
    bmc = next(iter(ways["ipmi"]["mac_to_bmc"].values()))
    redfish, libvirt = ways["redfish"], ways["libvirt"]
    secure = redfish | {"url": lab.about["hypervisor"]["redfish"]["https"], "insecure_http": False}

    def by_ipmi(name: str, **changes: Any) -> dict[str, Any]:
        return {"driver": "ipmi", "fqdn_to_bmc": {name: bmc | changes}, "connect_timeout": 5}

    def by_redfish(name: str, service: dict[str, Any], **changes: Any) -> dict[str, Any]:
        return service | changes | {"systems": {name: "guest-1"}, "connect_timeout": 5}

    def by_libvirt(name: str, domain: str = "guest-1", **changes: Any) -> dict[str, Any]:
        return libvirt | changes | {"domains": {name: domain}, "connect_timeout": 10}

    return {
        "ipmi.password": (by_ipmi("ipmi.password", password="wrong"), r"password"),
        "ipmi.user": (by_ipmi("ipmi.user", username="nobody"), r"user"),
        "ipmi.port": (by_ipmi("ipmi.port", port=624), r"bmc-guest-1:624"),
        "ipmi.silent": (by_ipmi("ipmi.silent", address=SILENT), rf"{SILENT}:623"),
        "redfish.password": (by_redfish("redfish.password", redfish, password="wrong"), r"password"),
        "redfish.port": (by_redfish("redfish.port", redfish, url="http://host.local:8001"), r"host\.local:8001"),
        "redfish.silent": (by_redfish("redfish.silent", redfish, url=f"http://{SILENT}:8000"), rf"{SILENT}:8000"),
        "redfish.stranger": (by_redfish("redfish.stranger", secure), r"certificate"),
        "libvirt.user": (by_libvirt("libvirt.user", username="nobody"), r"Permission denied"),
        "libvirt.port": (by_libvirt("libvirt.port", port=2222), r"Connection refused"),
        "libvirt.silent": (by_libvirt("libvirt.silent", address=SILENT), rf"{SILENT}"),
        "libvirt.domain": (
            by_libvirt("libvirt.domain", "nobody"),
            r"no domain with the name or UUID 'nobody'.*guest-1",
        ),
    }


def test_what_cannot_work_is_told_and_touches_nothing(lab: Lab, artifacts: Path, guest_1: Guest) -> None:
    """All in one run, so that one which is slow to fail holds up no other."""
    guest_1.note("here")
    ways = wrong_ways(lab)
    with (
        black_hole(guest_1.hypervisor, SILENT),
        connect(config(lab, artifacts, *(power for power, _ in ways.values()))) as cloud,
    ):
        nodes = NodeCollection([Node(name, guest_1.inside.address) for name in ways], cloud)
        began = time.monotonic()
        result = nodes.reset(check=False)
        assert time.monotonic() - began < 90
    told = {name: result[name].message for name in ways if not re.search(ways[name][1], result[name].message)}
    assert told == {}
    assert not any(host.ok for host in result.values())
    assert guest_1.state() == RESTORED
    assert guest_1.noted() == "here"


def test_of_three_nodes_one_fails(lab: Lab, artifacts: Path, guest_1: Guest, guest_2: Guest, node_3: Host) -> None:
    """A node of each driver in one run; the hypervisor has no domain that is the third."""
    ways = managements(lab)
    powers = [
        ways["ipmi"] | {"mac_to_bmc": dict([next(iter(ways["ipmi"]["mac_to_bmc"].items()))])},
        ways["libvirt"] | {"domains": {node_3.fqdn: node_3.name}},
        ways["redfish"],
    ]
    cloud_config = config(lab, artifacts, *powers)
    about = lab.node(node_3.name)
    cloud_config["node_discover"]["args"].append(
        {
            "ip": node_3.address,
            "fqdn": node_3.fqdn,
            "mac": about["interfaces"]["management"]["mac"],
            "username": "root",
            "private_key_file": lab.key,
        }
    )
    boot = node_3.boot_id()
    with connect(cloud_config) as cloud, pytest.raises(PartlyDone) as caught:
        cloud.get_nodes().poweroff()
    assert f"{node_3.fqdn} failed: " in str(caught.value)
    assert "has no domain with the name or UUID 'node-3'" in str(caught.value)
    assert "2 of 3 nodes did it" in str(caught.value)
    assert [guest_1.state(), guest_2.state()] == [CUT, CUT]
    assert node_3.boot_id() == boot


@pytest.fixture
def cloud_of_guests(lab: Lab, artifacts: Path) -> Iterator[Cloud]:
    with connect(config(lab, artifacts, managements(lab)["libvirt"])) as cloud:
        yield cloud


def test_libvirt_is_restarted_in_the_middle(cloud_of_guests: Cloud, guest_1: Guest) -> None:
    """The guest does not heed its power button, so the shutdown goes on until somebody logs in and shuts it down."""
    nodes = NodeCollection(
        [Node(guest_1.fqdn, guest_1.inside.address, guest_1.lab.node(guest_1.name)["mac"])], cloud_of_guests
    )
    guest_1.inside.sh("pkill -f 'busybox acpid'")
    results: list[Result] = []
    verb = threading.Thread(target=lambda: results.append(nodes.shutdown(wait_timeout=90, check=False)))
    verb.start()
    # libvirt tells of the button in its log only, so the connection of the verb is what is waited for.
    wait_for(lambda: guest_1.hypervisor.sh("pgrep -f virt-ssh-helper; true"), "the verb is connected", 60)
    time.sleep(2)
    guest_1.hypervisor.sh("systemctl restart libvirtd")
    assert guest_1.state().startswith("running"), "guests outlive their libvirt"
    guest_1.inside.sh("busybox poweroff -d 1 -f >/dev/null 2>&1 </dev/null &")
    verb.join(timeout=120)
    assert not verb.is_alive()
    assert results[0][guest_1.fqdn].ok, results[0][guest_1.fqdn].message
    assert guest_1.state().startswith("shut off")


def test_another_process_heals(
    lab: Lab, artifacts: Path, tmp_path: Path, guest_1: Guest, guest_2: Guest, cloud_of_guests: Cloud
) -> None:
    """It sees what the journal has: the guests can't tell."""
    cloud_of_guests.get_nodes(fqdns=[guest_1.fqdn]).poweroff()
    cloud_of_guests.get_nodes(fqdns=[guest_2.fqdn]).shutdown()
    assert [guest_1.state(), guest_2.state()] == [CUT, SHUT_DOWN]
    path = tmp_path / "os-faults.json"
    path.write_text(json.dumps(config(lab, artifacts, managements(lab)["libvirt"])), encoding="utf-8")
    code = """
before = [(fault.node, fault.verb) for fault in cloud.faults()]
cloud.heal()
say(json.dumps([before, [str(fault) for fault in cloud.faults()]]))
"""
    before, after = Child(path, code).result(within=240)  # type: ignore[misc]
    assert before == [[guest_1.fqdn, "poweroff"], [guest_2.fqdn, "shutdown"]]
    assert after == []
    for guest in (guest_1, guest_2):
        assert guest.state() == BOOTED
        assert guest.answers()


@pytest.mark.parametrize("action", ["poweroff", "reset"])
def test_check_mode(lab: Lab, tmp_path: Path, guest_1: Guest, action: str) -> None:
    """By plain Ansible: three hosts that are one guest, one by each driver."""
    hypervisor, me = lab.about["hypervisor"], lab.node(guest_1.name)
    redfish, ipmi = hypervisor["redfish"], hypervisor["ipmi"]
    ssh = ["-i", lab.key, "-o", f"UserKnownHostsFile={lab.known_hosts}"]
    hosts: dict[str, dict[str, Any]] = {
        "by-libvirt": {"driver": "libvirt", "uri": hypervisor["libvirt"], "ssh_args": ssh, "domain": guest_1.name},
        "by-ipmi": {
            "driver": "ipmi",
            "address": me["bmc"]["address"],
            "username": ipmi["user"],
            "password": ipmi["password"],
        },
        "by-redfish": {
            "driver": "redfish",
            "url": redfish["http"],
            "username": redfish["user"],
            "password": redfish["password"],
            "macs": [me["mac"]],
        },
    }
    guest_1.note("here")
    check(tmp_path, "node_power.yml", hosts, node_action=action)
    by_libvirt = {"by-libvirt": hosts["by-libvirt"]}
    if action == "poweroff":
        check(tmp_path, "node_snapshot.yml", by_libvirt, node_action="snapshot", snapshot_name="new")
    else:
        check(tmp_path, "node_snapshot.yml", by_libvirt, node_action="revert", snapshot_name="ready")
    assert guest_1.state() == RESTORED
    assert guest_1.noted() == "here"
    assert guest_1.snapshots() == ["ready"]


def check(directory: Path, playbook: str, hosts: dict[str, dict[str, Any]], **arguments: str) -> None:
    """Run a playbook in check mode; every host must say that it would be changed."""
    inventory = {"all": {"hosts": {name: {"os_faults_power": power} for name, power in hosts.items()}}}
    (directory / "inventory.json").write_text(json.dumps(inventory), encoding="utf-8")
    shell = Shell(directory)
    path = Path(shell.os_faults("playbooks", "--path").out.strip()) / playbook
    words = [word for name, value in arguments.items() for word in ("-e", f"{name}={value}")]
    done = shell.run("ansible-playbook", "--check", "-i", "inventory.json", "-l", "all", *words, str(path))
    assert done.status == 0, done.out + done.err
    assert len(re.findall(r" changed=1 .* failed=0 ", done.out)) == len(hosts), done.out


def test_a_node_that_is_no_machine_of_the_hypervisor(cloud: Cloud, node_3: Host) -> None:
    before = node_3.boot_id()
    with pytest.raises(AnsibleExecutionException, match=rf"{node_3.fqdn} failed: .*has no domain with an interface"):
        cloud.get_nodes(fqdns=[node_3.fqdn]).reset()
    assert node_3.boot_id() == before
