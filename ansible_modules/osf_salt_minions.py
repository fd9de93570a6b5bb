#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""List the minions of a Salt master, with their addresses and interfaces."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_salt_minions
short_description: List the minions of a Salt master
description:
  - Runs on the Salt master. Asks the minions only for their interfaces and addresses.
version_added: "1.0.0"
options:
  minions:
    description: Regular expression of the names of the minions (C(salt -E)).
    type: str
    required: true
  addresses_by:
    description: Salt function that returns the address of a minion, with its arguments.
    type: str
    default: pillar.get _param:single_address
attributes:
  check_mode:
    description: The module only reads.
    support: full
  diff_mode:
    description: The module compares no texts.
    support: none
requirements: [salt]
author: [The os_faults authors (@os-faults)]
"""

EXAMPLES = r"""
- name: Ask for the compute nodes
  osf_salt_minions:
    minions: ^cmp
"""

RETURN = r"""
interfaces:
  description: Minion that answered → name of an interface → its entry in the answer of Salt's C(network.interfaces).
  returned: success
  type: dict
  sample: {cmp01: {eth0: {hwaddr: "52:54:00:00:00:01", inet: [{address: 10.0.0.2}]}}}
addresses:
  description: Minion that answered → the answer of O(addresses_by).
  returned: success
  type: dict
  sample: {cmp01: 10.0.0.2}
silent:
  description: Minion that did not answer → what Salt says of it.
  returned: success
  type: dict
  sample: {cmp02: "Minion did not return. [No response]"}
"""

import json
import shlex
import shutil
from typing import Any, Iterable, Mapping, Sequence

from ansible.module_utils.os_faults.host import supervisor, text
from ansible.module_utils.os_faults.module import Module


def answers_of(text: str) -> dict[str, Any]:
    r"""Return minion → answer.

    Salt may print other text before the answer; it is skipped.

    >>> answers_of('No minions matched.\n{"cmp01": "10.0.0.2", "cmp02": false}')
    {'cmp01': '10.0.0.2', 'cmp02': False}
    """
    return dict(json.loads(text[text.find("{") :] if "{" in text else text or "{}"))


def why_silent(answer: Any) -> str:
    """Return what Salt says instead of an answer of a minion; "" for an answer.

    >>> why_silent("Minion did not return. [No response]"), why_silent(False), why_silent("10.0.0.2")
    ('Minion did not return. [No response]', 'it did not return', '')
    """
    if answer is False or answer is None:
        return "it did not return"
    return answer.strip().split("\n")[0] if isinstance(answer, str) and answer.startswith("Minion did not ") else ""


def silent_of(expected: Iterable[str], *questions: Mapping[str, Any]) -> dict[str, str]:
    """Return minion → what Salt says, for each minion that left one of the questions without an answer.

    >>> silent_of(["cmp03"], {"cmp01": {}, "cmp02": False}, {"cmp01": "10.0.0.2"})
    {'cmp02': 'it did not return', 'cmp03': 'it did not return'}
    """
    minions = sorted({*expected, *(minion for answers in questions for minion in answers)})
    reasons = ((minion, [why_silent(answers.get(minion)) for answers in questions]) for minion in minions)
    return {minion: next(filter(None, why)) for minion, why in reasons if any(why)}


def is_masked(answers: Mapping[str, Any]) -> bool:
    """Return whether Salt has masked an answer, as it masks pillars since version 3008.

    >>> is_masked({"cmp01": "**********"}), is_masked({"cmp01": ""})
    (True, False)
    """
    return any(isinstance(answer, str) and answer and not answer.strip("*") for answer in answers.values())


def expected(module: Module) -> list[str]:
    """Return the minions that should answer: some versions of Salt leave out those that do not.

    A version that does not know the option, or that prints something else, expects nobody.
    """
    command = ["salt", "--out=json", "-E", module.params["minions"], "--preview-target"]
    _code, out, _err = module.run_command(command)
    try:
        told = json.loads(out[out.find("[") :])
    except ValueError:
        return []
    return [minion for minion in told if isinstance(minion, str)] if isinstance(told, list) else []


def ask(module: Module, words: Sequence[str]) -> dict[str, Any]:
    """Run a function of Salt on the minions and return the answer of each."""
    command = ["salt", "--out=json", "--static", "-E", module.params["minions"], *words]
    code, out, err = module.run_command(command)
    try:
        return answers_of(out)
    except ValueError:
        why = text.last_line(err) or text.last_line(out) or f"exit code {code:d}"
        module.fail_json(msg=f"'{shlex.join(command)}' did not answer: {why}")


def main() -> None:
    """Run the module."""
    module = Module(
        argument_spec={
            "minions": {"type": "str", "required": True},
            "addresses_by": {"type": "str", "default": "pillar.get _param:single_address"},
        },
        supports_check_mode=True,
    )
    if shutil.which("salt") is None:
        module.fail_json(msg="this host is no Salt master: it has no command 'salt'")
    supervisor.doing("asking Salt for its minions")
    interfaces = ask(module, ["network.interfaces"])
    words = shlex.split(module.params["addresses_by"])
    addresses = ask(module, words)
    if is_masked(addresses):
        addresses = ask(module, [*words, "unmask=True"])  # older versions do not know the word
    silent = silent_of(expected(module), interfaces, addresses)
    module.exit_json(
        changed=False,
        interfaces={minion: answer for minion, answer in interfaces.items() if minion not in silent},
        addresses={minion: answer for minion, answer in addresses.items() if minion not in silent},
        silent=silent,
    )


if __name__ == "__main__":
    supervisor.run(main, seconds=120)
