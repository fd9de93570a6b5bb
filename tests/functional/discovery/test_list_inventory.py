"""list_inventory.yml: Ansible reads an inventory as kolla-ansible ships it, in either format."""

from __future__ import annotations

from pathlib import Path

import pytest

from os_faults import registry
from os_faults.errors import CloudManagementError
from os_faults.model import HostResult, Status

pytestmark = pytest.mark.functional

INI = """
[control]
control[01:02] ansible_user=kolla ansible_password=canary

[network]
control01

[compute]
compute01 ansible_host=10.0.0.21 ansible_port=2222 ansible_ssh_private_key_file=/key

[monitoring]
[storage:children]
compute

[deployment]
localhost ansible_connection=local

[baremetal:children]
control
network
compute
storage
monitoring

[common:children]
baremetal
"""
YAML = """
all:
  children:
    baremetal:
      children:
        control: {hosts: {control01: {ansible_host: 10.0.0.11, ansible_become: true}}}
    deployment: {hosts: {localhost: {ansible_connection: local}}}
"""


@pytest.fixture
def read(play, tmp_path: Path):
    """Return what was read of a text as an inventory, and the nodes that kolla makes of it."""

    def read(text: str, **args):
        path = tmp_path / "multinode"
        path.write_text(text)
        done = play("list_inventory.yml", inventory_path=str(path))
        driver = registry.get("cloud", "kolla")({"inventory": str(path), **args}, "cloud_management")
        assert driver.directory().arguments == {"inventory_path": str(path)}
        return done, driver.listed(HostResult("controller", Status.OK, payload=dict(done.result)))

    return read


def test_the_nodes_of_a_multinode_inventory(read):
    done, nodes = read(INI, username="stack", private_key_file="/mine")
    assert [(node.fqdn, node.ip) for node in nodes] == [
        ("compute01", "10.0.0.21"),
        ("control01", "control01"),
        ("control02", "control02"),
    ]
    compute, control, _ = (node.auth for node in nodes)
    assert (compute.username, compute.port, compute.private_key_file) == ("stack", 2222, "/key")
    assert (control.username, control.port, control.private_key_file, control.become) == ("kolla", None, "/mine", True)
    assert done.result["hosts"][1]["groups"] == ["all", "baremetal", "common", "control", "network"]
    assert "canary" not in str(done.result)


def test_yaml_is_as_good(read):
    (node,) = read(YAML, become=False)[1]
    assert (node.fqdn, node.ip, node.auth.become) == ("control01", "10.0.0.11", True)


def test_without_the_group_all_hosts_count_but_the_deployer(read):
    nodes = read("[control]\na\nb ansible_connection=local\n[deployment]\nlocalhost\n")[1]
    assert [(node.fqdn, node.auth.connection) for node in nodes] == [("a", "ssh"), ("b", "local")]
    with pytest.raises(CloudManagementError, match=r"has no host of the cloud \(group baremetal\)"):
        read("[deployment]\nlocalhost\n")


def test_what_is_no_inventory_is_told(play, tmp_path):
    (tmp_path / "multinode").write_text("[control\n")
    failed = play("list_inventory.yml", inventory_path=str(tmp_path / "multinode"))
    assert failed.failures["here"].startswith(f"Ansible can't read the inventory {tmp_path}/multinode: ")
    absent = play("list_inventory.yml", inventory_path="/nowhere/multinode")
    assert absent.failures["here"] == "there is no inventory /nowhere/multinode on the controller"


def test_what_lies_beside_the_inventory_is_not_imported(read, tmp_path):
    """Python puts the present directory first where a module is run by -m; Ansible reads the inventory in it."""
    seen = tmp_path / "imported"
    for name in ("json", "platform", "ansible"):
        (tmp_path / f"{name}.py").write_text(f"open({str(seen)!r}, 'a').write({name!r})\nraise SystemExit(3)\n")
    nodes = read("[baremetal]\na\n")[1]
    assert [node.fqdn for node in nodes] == ["a"]
    assert not seen.exists()
