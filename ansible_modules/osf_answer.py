#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Wait until a host answers, after a restart with another boot id."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_answer
short_description: Wait until a host answers, after a restart with another boot id
description:
  - Asks the host for its boot id until it answers. A try takes a few seconds at most and has a connection of its own,
    since a shared one may lead to the host as it was before.
  - An action plugin of the same name asks again and again on the controller; this module is what it asks the host by.
version_added: "1.0.0"
options:
  boot_id_before:
    description: An answer with this boot id does not count; the host is still to be restarted.
    type: str
  timeout:
    description: Seconds after which a host that has not answered is a failure. With 0 it is asked once.
    type: int
    default: 300
  must:
    description: Whether it is a failure that the host does not answer in time.
    type: bool
    default: true
  power:
    description:
      - What a power module has returned; returned as it is, so that one result tells all.
      - The seconds that it has waited are part of O(timeout).
    type: dict
    default: {}
attributes:
  action:
    description: The controller asks again and again.
    support: full
  check_mode:
    description: The module changes nothing in any mode.
    support: full
  diff_mode:
    description: The module compares no texts.
    support: none
author: [The os_faults authors (@os-faults)]
"""

EXAMPLES = r"""
- name: Note the boot id, if the host answers
  osf_answer:
    timeout: 0
    must: false
  register: before

- name: Wait until the host is back
  osf_answer:
    boot_id_before: "{{ before.boot_id_after | default(omit, true) }}"
    timeout: 300
"""

RETURN = r"""
boot_id_before:
  description: The boot id that did not count; null when there was none.
  returned: success
  type: str
  sample: 9c3c4f5b-2f0e-4a55-9d1b-0a8f2c1f6a34
boot_id_after:
  description: The boot id of the host now; null when it does not answer and need not.
  returned: success
  type: str
  sample: 7d0f6c54-9f7e-4f0a-8a3d-2f6f2f6f0f1a
waited:
  description: Seconds until the host answered, with those of O(power).
  returned: success
  type: float
  sample: 21.4
"""

from ansible.module_utils.os_faults.module import Module


def main() -> None:
    """Answer, with the boot id."""
    module = Module(
        argument_spec={
            "boot_id_before": {"type": "str"},
            "timeout": {"type": "int", "default": 300},
            "must": {"type": "bool", "default": True},
            "power": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot_id = file.read().strip()
    module.exit_json(boot_id_before=module.params["boot_id_before"], boot_id_after=boot_id, waited=0.0)


if __name__ == "__main__":
    main()
