#!/usr/bin/python
"""The module `osf_holds_info`: list the faults of this host."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_holds_info
short_description: List the faults of a host
version_added: "1.0.0"
description:
  - Lists the lasting faults of a host from the host's own records. It needs no file of the controller.
options: {}
attributes:
  check_mode:
    support: full
    description: The module only reads.
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
- name: List the faults
  osf_holds_info:
"""

RETURN = r"""
now:
  description: The time of the host's clock, seconds since the epoch.
  returned: always
  type: float
holds:
  description: One entry per fault, the latest first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Id of the fault on the host.
      type: str
    fault:
      description: Verb that injected it.
      type: str
    subject:
      description: Its target.
      type: str
    state:
      description: V(armed), V(injected), V(undo_failed), V(lost) for a unit without a directory, or the state of
        a recorded change such as V(terminated).
      type: str
    since:
      description: Start of the fault, seconds since the epoch.
      type: float
    until:
      description: Its automatic end, seconds since the epoch; null for never.
      type: float
    by:
      description: Its owner.
      type: str
    carrier:
      description: Its carrier, V(systemd), V(watchdog) or V(none).
      type: str
    guarded:
      description: Whether the carrier runs and will undo the fault at its end.
      type: bool
    in_force:
      description: Whether it is in force; null when that can't be told. False when somebody else has ended what it did.
      type: bool
    in_force_seconds:
      description: For how long it has been in force, as far as it was looked at; null when that can't be told.
      type: float
    directory:
      description: Directory of its record and scripts; empty for V(lost).
      type: str
    undo_log:
      description: Output of the last undo.
      type: str
notes:
  description: Other users with faults on the host that this user can't see.
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
