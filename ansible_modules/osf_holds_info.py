#!/usr/bin/python
"""The module `osf_holds_info`: what faults this host holds."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_holds_info
short_description: List the faults that a host holds
version_added: "1.0.0"
description:
  - Reads from the host itself which lasting faults it holds. It needs no record of the controller.
options: {}
attributes:
  check_mode:
    support: full
    description: It changes nothing anyway.
  diff_mode:
    support: none
    description: There is nothing to compare.
  platform:
    platforms: linux
    support: full
    description: The host is a Linux host.
author: [The os_faults authors (@os-faults)]
"""

EXAMPLES = r"""
- name: List the faults
  osf_holds_info:
"""

RETURN = r"""
now:
  description: The time by the host's own clock, seconds since the epoch.
  returned: always
  type: float
holds:
  description: One entry per fault, the latest first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Its identity on the host.
      type: str
    fault:
      description: The verb that made it.
      type: str
    subject:
      description: What it was done to.
      type: str
    state:
      description: V(armed), V(injected), V(undo_failed), the word of a recorded change such as V(terminated), or
        V(lost) for a unit without a directory.
      type: str
    since:
      description: When it began, seconds since the epoch.
      type: float
    until:
      description: When it ends by itself, seconds since the epoch; null for never.
      type: float
    by:
      description: Who made it.
      type: str
    carrier:
      description: What carries it, V(systemd), V(watchdog) or V(none).
      type: str
    guarded:
      description: Whether the carrier is there to take it back when its end comes.
      type: bool
    in_force:
      description: Whether it is in force; null when that can't be told. False when somebody else has ended what it did.
      type: bool
    in_force_seconds:
      description: For how long it has been in force, as far as it was looked at; null when that can't be told.
      type: float
    directory:
      description: Where its record and its scripts are; empty for V(lost).
      type: str
    undo_log:
      description: What the last undo wrote.
      type: str
notes:
  description: Whose faults there are on the host that this user can't see.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.os_faults.hold import lock, on_host, others
from ansible.module_utils.os_faults.host import clock, supervisor
from ansible.module_utils.os_faults.module import Module


def main() -> None:
    """Run the module."""
    module = Module(argument_spec={}, supports_check_mode=True)
    supervisor.doing("waiting for the lock of its faults")
    lock.wait_until_settled()
    supervisor.doing("listing its faults")
    holds, notes = on_host.listing(module), others.of_others()
    module.exit_json(changed=False, now=clock.now(), holds=holds, notes=notes)


if __name__ == "__main__":
    supervisor.run(main)
