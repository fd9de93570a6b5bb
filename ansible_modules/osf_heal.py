#!/usr/bin/python
"""The module `osf_heal`: undo every fault of this host."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_heal
short_description: Undo the faults of a host
version_added: "1.0.0"
description:
  - Undoes every lasting fault of os_faults on the host, or those with the given ids, the latest first.
  - A fault is undone when its undo has succeeded and everything that the injection changed is as before.
  - Changes by others since the injection are reported. They are no failure.
  - On a host without faults the module changes nothing.
options:
  ids:
    description: Ids of the faults to undo; all by default.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Reports what it would undo and changes nothing.
  diff_mode:
    support: none
    description: The module compares no texts.
  platform:
    platforms: linux
    support: full
    description: The host runs Linux.
author: [The os_faults authors (@os-faults)]
"""

EXAMPLES = r"""
- name: Undo every fault
  osf_heal:

- name: Undo one fault
  osf_heal:
    ids: [freeze-keystone]
"""

RETURN = r"""
undone:
  description: Ids of the faults that were undone.
  returned: always
  type: list
  elements: str
failed_holds:
  description: Faults that still exist or have left changes, each with C(id) and the reason C(why).
  returned: always
  type: list
  elements: dict
notes:
  description:
    - Changes by others on the host since the injection of the oldest fault.
    - Faults that were not in force any more.
    - Other users with faults on the host that this user can't see.
  returned: always
  type: list
  elements: str
in_force_seconds:
  description: Identity of a fault that was undone, and for how long it was in force, as far as it was looked at.
  returned: when a fault was undone
  type: dict
undo_failed:
  description: Whether a fault still exists or has left changes.
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
