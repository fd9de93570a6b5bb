#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Wait until a host answers, after a restart with another boot id."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_answer
short_description: Wait until a host answers, after a restart with another boot id
description:
  - Asks the host for its boot id until it answers. Each try takes a few seconds at most and opens a new connection,
    as a shared connection may lead to the host before its restart.
  - The action plugin of the same name repeats the question on the controller. The module answers it on the host.
version_added: "1.0.0"
options:
  boot_id_before:
    description: The boot id before the restart. An answer with this boot id does not count.
    type: str
  timeout:
    description: Seconds after which a host without an answer is a failure. With 0 there is one try.
    type: int
    default: 300
  must:
    description: Whether a host that does not answer in time is a failure.
    type: bool
    default: true
  power:
    description:
      - The return value of a power module. It is returned unchanged, so that one result contains everything.
      - Its C(waited) counts towards O(timeout).
    type: dict
    default: {}
attributes:
  action:
    description: The controller repeats the question.
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
- name: Record the boot id, if the host answers
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
  description: The boot id before the restart; null when it was not given.
  returned: success
  type: str
  sample: 9c3c4f5b-2f0e-4a55-9d1b-0a8f2c1f6a34
boot_id_after:
  description: The boot id of the host now; null when the host does not answer and O(must) is false.
  returned: success
  type: str
  sample: 7d0f6c54-9f7e-4f0a-8a3d-2f6f2f6f0f1a
waited:
  description: Seconds until the host answered, including those of O(power).
  returned: success
  type: float
  sample: 21.4
"""

from ansible.module_utils.os_faults.module import Module


def main() -> None:
    """Return the boot id."""
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
