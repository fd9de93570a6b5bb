#!/usr/bin/python
"""The module `osf_heal`: take back every fault that this host holds."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_heal
short_description: Take back the faults that a host holds
version_added: "1.0.0"
description:
  - Takes back every lasting fault of os_faults on the host, or those with the given ids, the latest first.
  - A fault counts as taken back when its undo has said so and all that its injection has changed is as it was.
  - What others have changed on the host meanwhile is told, and is no failure.
  - Healing a host that holds no fault changes nothing.
options:
  ids:
    description: Identities of the faults to take back; all by default.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Tells what would be taken back and touches nothing.
  diff_mode:
    support: none
    description: There is no text to compare.
  platform:
    platforms: linux
    support: full
    description: The host is a Linux host.
author: [The os_faults authors (@os-faults)]
"""

EXAMPLES = r"""
- name: Take back every fault
  osf_heal:

- name: Take back one fault
  osf_heal:
    ids: [freeze-keystone]
"""

RETURN = r"""
undone:
  description: Identities of the faults that were there and are gone now.
  returned: always
  type: list
  elements: str
failed_holds:
  description: The faults that are still there, or have left something, each with C(id) and C(why).
  returned: always
  type: list
  elements: dict
notes:
  description:
    - What others have changed on the host since the oldest of the faults was made.
    - Which of the faults were not in force any more.
    - Whose faults there are on the host that this user can't see.
  returned: always
  type: list
  elements: str
in_force_seconds:
  description: Identity of a fault that was undone, and for how long it was in force, as far as it was looked at.
  returned: when a fault was undone
  type: dict
undo_failed:
  description: Whether a fault is still there, or has left something.
  returned: failure
  type: bool
"""

from ansible.module_utils.os_faults.hold import on_host, others
from ansible.module_utils.os_faults.module import Module


def main() -> None:
    """Run the module."""
    module = Module(
        argument_spec={"ids": {"type": "list", "elements": "str", "default": []}},
        supports_check_mode=True,
    )
    result = on_host.heal(module, module.params["ids"])
    result["notes"] += others.of_others()
    left = result["failed_holds"]
    if left:
        module.fail_json(msg="; ".join(entry["why"] for entry in left), undo_failed=True, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
