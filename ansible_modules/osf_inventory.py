#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""List the hosts of an Ansible inventory, with their addresses and logins."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_inventory
short_description: List the hosts of an Ansible inventory
description:
  - Runs on the controller, with the Ansible of the playbook. It accepts every inventory that Ansible can read.
  - Returns the address, the login and the groups of each host, but no passwords.
version_added: "1.0.0"
options:
  path:
    description: Path of the inventory, a file or a directory.
    type: path
    required: true
attributes:
  check_mode:
    description: The module only reads.
    support: full
  diff_mode:
    description: The module compares no texts.
    support: none
author: [The os_faults authors (@os-faults)]
"""

EXAMPLES = r"""
- name: Read the inventory of kolla-ansible
  osf_inventory:
    path: /etc/kolla/multinode
  delegate_to: localhost
"""

RETURN = r"""
hosts:
  description:
    - The hosts, sorted by name, each with C(name), C(address), C(groups), and those of C(username), C(port),
      C(private_key_file), C(connection) and C(become) that the inventory sets.
  returned: success
  type: list
  elements: dict
  sample: [{name: control01, address: 10.0.0.11, groups: [baremetal, control], username: kolla}]
"""

import json
import os
import sys
from typing import Any, Mapping

from ansible.module_utils.os_faults.module import Module

LOGIN = {
    "username": ("ansible_user", "ansible_ssh_user"),
    "port": ("ansible_port", "ansible_ssh_port"),
    "private_key_file": ("ansible_ssh_private_key_file", "ansible_private_key_file"),
    "connection": ("ansible_connection",),
    "become": ("ansible_become",),
}
"""Key of a login → the variables that may contain it."""


def groups_of(tree: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return host → all its groups, direct and indirect.

    >>> groups_of({"_meta": {}, "all": {"children": ["a"]}, "a": {"children": ["b"]}, "b": {"hosts": ["x"]}})
    {'x': ['a', 'all', 'b']}
    """
    found: dict[str, set[str]] = {}

    def walk(group: str, above: tuple[str, ...]) -> None:
        about = tree.get(group, {})
        for host in about.get("hosts", ()):
            found.setdefault(host, set()).update((group, *above))
        for child in about.get("children", ()):
            if child not in above:
                walk(child, (group, *above))

    walk("all", ())
    return {host: sorted(groups) for host, groups in found.items()}


def hosts_of(tree: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the hosts from the output of ``ansible-inventory --list``."""
    variables = tree.get("_meta", {}).get("hostvars", {})
    hosts = []
    for name, groups in sorted(groups_of(tree).items()):
        own = variables.get(name, {})
        address = own.get("ansible_host") or own.get("ansible_ssh_host") or name
        host = {"name": name, "address": str(address), "groups": groups}
        for key, names in LOGIN.items():
            value = next((own[each] for each in names if each in own), None)
            if value is not None:
                host[key] = value
        hosts.append(host)
    return hosts


def main() -> None:
    """Run the module."""
    module = Module(argument_spec={"path": {"type": "path", "required": True}}, supports_check_mode=True)
    path = module.params["path"]
    if not os.path.exists(path):
        module.fail_json(msg=f"there is no inventory {path} on the controller")
    # The settings of this run, such as its inventory, must not apply to the given inventory.
    for variable in [name for name in os.environ if name.startswith("ANSIBLE_")]:
        del os.environ[variable]
    # -P: otherwise Python would import a json.py that somebody has put beside the inventory.
    code, out, err = module.run_command(
        [sys.executable, "-P", "-m", "ansible", "inventory", "--inventory", path, "--list"],
        cwd=os.path.dirname(os.path.abspath(path)),
        environ_update={"ANSIBLE_NOCOLOR": "1", "ANSIBLE_INVENTORY_UNPARSED_FAILED": "1"},
    )
    if code:
        said = [line for line in err.splitlines() if line.strip()]
        why = said[-1].strip() if said else f"exit code {code:d}"
        module.fail_json(msg=f"Ansible can't read the inventory {path}: {why}")
    module.exit_json(changed=False, hosts=hosts_of(json.loads(out)))


if __name__ == "__main__":
    main()
