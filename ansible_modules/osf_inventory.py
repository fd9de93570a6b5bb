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
  - Ansible resolves the templates and encrypted values of a login, as for a playbook on that inventory.
version_added: "1.0.0"
options:
  path:
    description: Path of the inventory, a file or a directory.
    type: path
    required: true
  vault_password_file:
    description: Path of the file with the password of Ansible's vault, or of a program that prints it.
    type: path
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
      C(private_key_file), C(connection), C(become), C(become_method), C(become_username), C(python_interpreter) and
      C(ssh_args) (further arguments of ssh, as one text) that the inventory sets.
    - C(unused) lists the variables of a login that are not returned; C(unusable) has a sentence for each variable that
      can't be used.
  returned: success
  type: list
  elements: dict
  sample: [{name: control01, address: 10.0.0.11, groups: [baremetal, control], username: kolla}]
"""

import json
import os
import re
import sys
from typing import Any, Callable, Iterable, Mapping

from ansible.module_utils.os_faults.host import text
from ansible.module_utils.os_faults.module import Module

ADDRESS = ("ansible_host", "ansible_ssh_host")
"""The variables that may say the address of a host."""

LOGIN = {
    "username": ("ansible_user", "ansible_ssh_user"),
    "port": ("ansible_port", "ansible_ssh_port"),
    "private_key_file": ("ansible_ssh_private_key_file", "ansible_private_key_file"),
    "connection": ("ansible_connection",),
    "become": ("ansible_become",),
    "become_method": ("ansible_become_method",),
    "become_username": ("ansible_become_user", "ansible_sudo_user"),
    "python_interpreter": ("ansible_python_interpreter",),
}
"""Key of a login → the variables that may contain it."""

SSH_ARGS = ("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args")
"""The variables with further arguments of ssh."""

READ = frozenset((*ADDRESS, *(name for names in LOGIN.values() for name in names), *SSH_ARGS))
"""The variables that are told."""

CONNECTION = re.compile(
    "ansible_(ssh|become|sudo|su|shell|connection|password|host_key_checking|timeout|pipelining|control_path|remote_tmp)"
    "(_.*)?"
)
"""The names of variables that change how Ansible logs in."""

WORDS = {
    **dict.fromkeys(("y", "yes", "on", "1", "true", "t"), True),
    **dict.fromkeys(("n", "no", "off", "0", "false", "f"), False),
}
"""Ansible's words for booleans: in INI form, each value is text."""


def boolean(value: Any) -> bool:
    """Return the boolean that Ansible's word for it means.

    >>> boolean("no"), boolean(True)
    (False, True)

    Raises:
        ValueError: it is no such word.
    """
    try:
        return WORDS[str(value).lower()]
    except KeyError:
        raise ValueError(f"{value!r} is neither yes nor no") from None


CONVERTED: Mapping[str, Callable[[Any], Any]] = {"port": int, "become": boolean}
"""Key of a login → how its value is read."""

RESULT = re.compile(r"^(\S+) \| (SUCCESS|FAILED!) => (?=\{)", re.MULTILINE)
"""The begin of the result of a host, as the command ansible prints it."""


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


def is_open(value: Any) -> bool:
    """Return whether Ansible has still to resolve a value: a template, or one that its vault has encrypted."""
    return "__ansible_vault" in value if isinstance(value, dict) else bool(re.search("{[{%#]", str(value)))


def open_variables(tree: Mapping[str, Any]) -> list[str]:
    """Return the variables of logins that Ansible has still to resolve on one of the hosts.

    >>> open_variables({"_meta": {"hostvars": {"a": {"ansible_user": "{{ me }}", "x": "{{ y }}"}}}})
    ['ansible_user']
    """
    hosts = tree.get("_meta", {}).get("hostvars", {}).values()
    return sorted({name for own in hosts for name in READ & set(own) if is_open(own[name])})


def results_of(printed: str) -> dict[str, Any]:
    r"""Return host → its resolved variables, or the sentence why they can't be resolved.

    >>> results_of('a | SUCCESS => {"msg": {"ansible_user": "me"}}\nb | FAILED! => {"msg": "Task failed: no x"}')
    {'a': {'ansible_user': 'me'}, 'b': 'no x'}
    """
    decoder = json.JSONDecoder()
    found = {}
    for result in RESULT.finditer(printed):
        told = decoder.raw_decode(printed, result.end())[0].get("msg")
        failed = result.group(2) != "SUCCESS"
        found[result.group(1)] = (
            re.sub("^(Task failed: )?(Finalization .* failed: )?", "", str(told)) if failed else told
        )
    return found


def told_by(own: Mapping[str, Any], resolved: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the variables of a host with their final values, and why others have none, in sentences.

    Args:
        own: the variables of the host.
        resolved: what `results_of` has of the host.
    """
    values, unusable = {}, []
    for name in sorted(READ & set(own)):
        value = own[name]
        if is_open(value):
            value = resolved.get(name) if isinstance(resolved, dict) else None
        if value is None or is_open(value):
            unusable.append(f"{name} can't be resolved: {resolved if isinstance(resolved, str) else 'it is nothing'}")
        else:
            values[name] = value
    return values, unusable


def host_of(name: str, groups: Iterable[str], own: Mapping[str, Any], resolved: Any) -> dict[str, Any]:
    """Return what is told of a host.

    >>> host_of("a", ["all"], {"ansible_become": "no", "ansible_sudo_pass": "x"}, None)["become"]
    False
    """
    values, unusable = told_by(own, resolved)
    address = next((values[each] for each in ADDRESS if values.get(each)), name)
    host: dict[str, Any] = {"name": name, "address": str(address), "groups": list(groups)}
    for key, names in LOGIN.items():
        variable = next((each for each in names if values.get(each) not in (None, "")), None)
        if variable is None:
            continue
        try:
            host[key] = CONVERTED.get(key, str)(values[variable])
        except (TypeError, ValueError) as error:
            unusable.append(f"{variable} can't be used: {error}")
    host["ssh_args"] = " ".join(str(values[each]) for each in SSH_ARGS if values.get(each))
    host["unused"] = sorted(each for each in own if CONNECTION.fullmatch(each) and each not in READ)
    host["unusable"] = unusable
    return host


def run(module: Module, command: str, *words: str) -> tuple[int, str, str]:
    """Run a command of Ansible on the inventory; return its exit code, its output and its errors."""
    path, secret = module.params["path"], module.params["vault_password_file"]
    vault = ["--vault-password-file", secret] if secret else []
    # -P: else Python imports what lies beside the inventory, a json.py of anybody who can write there.
    code, out, err = module.run_command(
        [sys.executable, "-P", "-m", "ansible", command, "--inventory", path, *vault, *words],
        cwd=os.path.dirname(os.path.abspath(path)),
        environ_update={
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "1",
            "ANSIBLE_LOAD_CALLBACK_PLUGINS": "0",
        },
    )
    return code, out, err


def listed(module: Module) -> dict[str, Any]:
    """Return the inventory as ``ansible-inventory --list`` writes it."""
    code, out, err = run(module, "inventory", "--list")
    if code:
        why = text.last_line(err) or f"exit code {code:d}"
        hint = "; name the file with its password: vault_password_file" if "vault" in why.lower() else ""
        module.fail_json(msg=f"Ansible can't read the inventory {module.params['path']}: {why}{hint}")
    return dict(json.loads(out))


def resolve(module: Module, names: Iterable[str]) -> dict[str, Any]:
    """Let Ansible resolve variables on each host, and return what `results_of` makes of it. No host is asked."""
    look_up = "{{ lookup('ansible.builtin.vars', '%s', default='') }}"
    args = json.dumps({"msg": {name: look_up % name for name in names}})
    _code, out, _err = run(module, "adhoc", "all", "--module-name", "ansible.builtin.debug", "--args", args)
    return results_of(out)


def main() -> None:
    """Run the module."""
    module = Module(
        argument_spec={
            "path": {"type": "path", "required": True},
            "vault_password_file": {"type": "path", "no_log": False},
        },
        supports_check_mode=True,
    )
    path = module.params["path"]
    if not os.path.exists(path):
        module.fail_json(msg=f"there is no inventory {path} on the controller")
    # The settings of this run, such as its inventory, must not apply to the given inventory.
    for variable in [name for name in os.environ if name.startswith("ANSIBLE_")]:
        del os.environ[variable]
    tree = listed(module)
    names = open_variables(tree)
    resolved = resolve(module, names) if names else {}
    variables = tree.get("_meta", {}).get("hostvars", {})
    hosts = [
        host_of(name, groups, variables.get(name, {}), resolved.get(name))
        for name, groups in sorted(groups_of(tree).items())
    ]
    module.exit_json(changed=False, hosts=hosts)


if __name__ == "__main__":
    main()
