"""discover_devstack.yml, verify.yml and node_reboot.yml on this machine, as far as it is safe to go here."""

from __future__ import annotations

import os
import platform
import socket
from pathlib import Path

import pytest

pytestmark = pytest.mark.functional


@pytest.mark.parametrize("check", [False, True])
def test_discovery_tells_what_the_host_is(play, check):
    found = play("discover_devstack.yml", check=check)
    assert found.rc == 0, found.stdout
    assert not found.result["changed"]
    node = found.result["node"]
    assert node["hostname"] == socket.gethostname()
    assert node["fqdn"].startswith(node["hostname"].partition(".")[0])
    assert node["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert node["python"] == platform.python_version()
    assert node["euid"] == os.geteuid()
    assert (node["systemd"] is None) == (not Path("/run/systemd/system").is_dir())
    names = {interface["name"] for interface in node["interfaces"]}
    assert names == set(os.listdir("/sys/class/net")) - {"lo"} - not_interfaces()
    for interface in node["interfaces"]:
        mac = Path("/sys/class/net", interface["name"], "address").read_text().strip()
        assert interface["mac"] in (mac, None)
        assert not any("/" in address for address in interface["addresses"])
    assert node["default_interface"] in {*names, None}
    assert not any(address.startswith(("127.", "fe80:")) for address in node["addresses"])


def not_interfaces() -> set[str]:
    """Return the files of the bonding module, which lie between the interfaces."""
    return {"bonding_masters"}


def test_discovery_finds_a_service_by_its_pid_file(play, tmp_path):
    services = {
        "here": {"driver": "process", "pidfile": str(tmp_path / "here.pid"), "start": ["sleep", "600"]},
        "no-program": {"driver": "process", "pidfile": str(tmp_path / "x.pid"), "start": ["/no/such/program"]},
        "no-place": {"driver": "process", "pidfile": str(tmp_path / "no" / "x.pid"), "start": ["sleep", "600"]},
    }
    inventory = {"os_faults_services": services}
    before = play("discover_devstack.yml", inventory=inventory).result["services"]
    assert before["here"] == {"units": [str(tmp_path / "here.pid")], "active": False}
    assert "no-program" not in before
    assert "no-place" not in before

    play("service_state.yml", inventory=inventory, service="here", service_action="start")
    try:
        assert play("discover_devstack.yml", inventory=inventory).result["services"]["here"]["active"]
    finally:
        play("service_state.yml", inventory=inventory, service="here", service_action="kill")


@pytest.mark.parametrize("check", [False, True])
def test_verify_says_what_the_host_is_not_good_for(play, check):
    found = play("verify.yml", check=check)
    assert found.rc == 0, found.stdout
    assert found.result["services"] == {}
    told = " ".join(found.result["notes"])
    assert ("is not run by systemd" in told) == (not Path("/run/systemd/system").is_dir())
    assert ("not run as root" in told) == (os.geteuid() != 0)
    assert ("network cuts are refused" in told) == bool(found.result["notes"])


def test_verify_of_a_host_that_is_not_there_is_unreachable(play):
    nowhere = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    found = play("verify.yml", hosts={"here": {}, "gone": nowhere})
    assert found.rc == 4
    assert list(found.failures) == ["gone"]
    assert "here" in found.results()


@pytest.mark.parametrize("wait", [True, False])
def test_the_controller_is_never_rebooted(play, wait):
    refused = play("node_reboot.yml", node_action="reboot", wait=wait)
    assert "would reboot the control node" in refused.failures["here"] or (
        refused.failures["here"]
        == "this host is reached by a local connection, so the reboot would hit the controller itself"
    )


def test_reboot_refuses_other_words(play):
    refused = play("node_reboot.yml", node_action="reset")
    assert refused.failures["here"] == (
        "Validation of arguments failed:\nvalue of node_action must be one of: reboot, got: reset"
    )
