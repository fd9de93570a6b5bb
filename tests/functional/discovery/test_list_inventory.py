"""list_inventory.yml: Ansible reads an inventory as kolla-ansible ships it, in either format."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest
from support.module_files import load

from os_faults import registry
from os_faults.errors import CloudManagementError
from os_faults.model import HostResult, Jump, Status

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


def test_the_examples_of_the_docstrings():
    assert doctest.testmod(load("osf_inventory")).failed == 0


@pytest.fixture
def read(play, tmp_path: Path):
    """Return what was read of a text as an inventory, and the nodes that kolla makes of it."""

    def read(text: str, **args):
        path = tmp_path / "multinode"
        path.write_text(text)
        secret = {key: args[key] for key in ("vault_password_file",) if key in args}
        done = play("list_inventory.yml", inventory_path=str(path), **secret)
        driver = registry.get("cloud", "kolla")({"inventory": str(path), **args}, "cloud_management")
        assert driver.directory().arguments == {"inventory_path": str(path), **secret}
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


TEMPLATES = """
all:
  vars: {ansible_user: "{{ me }}", me: kolla, base: 2200, ansible_ssh_extra_args: -C}
baremetal:
  hosts:
    control01:
      ansible_host: "{{ oc_net | default('192.168.33.3') }}"
      ansible_python_interpreter: /opt/py/bin/python3
    storage01:
      ansible_ssh_common_args: -o ProxyCommand="ssh -q -W %h:%p -p 2200 {{ me }}@bastion" -o CheckHostIP=no
    compute01:
      ansible_port: "{{ base + 22 }}"
      ansible_become_method: su
      ansible_become_flags: -n
      ansible_become_user: !vault |
            $ANSIBLE_VAULT;1.1;AES256
            63336330336165343831363164303034373465386239383439613130653634663465653066393237
            6631636336646237656336333963613536356264396566380a663636663266353935633662633365
            36656163626539313131386564343265613336613333336430306338653534353966383463316438
            3935323461383461660a363064623130336131663136336231386364363331353361653563383364
            6436
"""


@pytest.mark.case("f21")
def test_templates_are_resolved_by_ansible_and_every_variable_of_a_login_counts(read, tmp_path, caplog):
    """One of them is encrypted."""
    secret = tmp_path / "secret"
    secret.write_text("canary\n")
    compute, control, storage = read(TEMPLATES, private_key_file="/mine", vault_password_file=str(secret))[1]
    assert {node.auth.username for node in (compute, control, storage)} == {"kolla"}
    assert (control.ip, control.auth.python, control.auth.ssh_args) == ("192.168.33.3", "/opt/py/bin/python3", ("-C",))
    assert (compute.auth.port, compute.auth.become_method, compute.auth.become_username) == (2222, "su", "admin")
    assert storage.auth.jump == Jump("bastion", "kolla", None, 2200)
    assert [record for record in caplog.messages if "is not used" in record] == [
        "ansible_become_flags of compute01 in the inventory is not used",
        "CheckHostIP=no of storage01 in the inventory is not used",
    ]


REFUSED = {
    'ansible_user="{{ nowhere }}"': "ansible_user can't be resolved: .*'nowhere' is undefined",
    'ansible_host="{{ nowhere }}"': "ansible_host can't be resolved: .*'nowhere' is undefined",
    "ansible_port=ssh": "ansible_port can't be used: ",
    "ansible_become=maybe": "ansible_become can't be used: ",
    "ansible_connection=docker": "connection must be one of ssh, local, not 'docker'",
    "ansible_user='me -o'": "username must be a user name",
    'ansible_ssh_common_args="-o \'x"': "No closing quotation",
}
WORDS = {"no": False, "false": False, "0": False, "yes": True, "1": True}


@pytest.mark.case("f21", "f22")
def test_words_for_booleans_and_variables_that_cannot_be_used(read):
    """The message names the host and the variable, and a host that is no node stands in nobody's way."""
    become = [f"b{number} ansible_become={word}" for number, word in enumerate(WORDS)]
    refused = [f"r{number} {variables}" for number, variables in enumerate(REFUSED)]
    done, nodes = read("\n".join(["[baremetal]", *become, "[others]", *refused]))
    assert [node.auth.become for node in nodes] == list(WORDS.values())
    hosts = {host["name"]: host for host in done.result["hosts"]}
    driver = registry.get("cloud", "kolla")({"inventory": "/i"}, "cloud_management")
    for number, why in enumerate(REFUSED.values()):
        payload = {"hosts": [hosts[f"r{number}"]]}
        with pytest.raises(CloudManagementError, match=f"the inventory /i: r{number}: {why}"):
            driver.listed(HostResult("controller", Status.OK, payload=payload))
