#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Request a reboot without waiting for it, or prove that the host has been rebooted."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_reboot
short_description: Request a reboot, or prove that there was one
description:
  - V(request) reboots the host gracefully about a second later, so that the answer still reaches the controller.
  - V(look) returns the current boot id. V(confirm) compares it with O(boot_id_before) and fails if it is the same.
  - V(request) and V(look) refuse a host on which an inhibitor blocks a reboot, and name the inhibitor. Since systemd
    257 inhibitors bind root too.
version_added: "1.0.0"
options:
  phase:
    description: Part of the reboot.
    type: str
    required: true
    choices: [request, look, confirm]
  boot_id_before:
    description: The boot id from V(look); required for V(confirm).
    type: str
  local:
    description:
      - Whether the connection to the host is local. Such a host is the controller itself, and V(request) is refused.
    type: bool
    default: false
  seconds:
    description: Duration of the reboot, as the controller measured it; returned unchanged.
    type: int
  by:
    description: The owner, for the record. By default the user and the address of the session.
    type: str
  force:
    description: Whether to act on a host with faults of other owners.
    type: bool
    default: false
attributes:
  check_mode:
    description: Requests nothing, and confirms without a proof.
    support: full
  diff_mode:
    description: The module compares no texts.
    support: none
requirements: [systemd]
author: [The os_faults authors (@os-faults)]
"""

EXAMPLES = r"""
- name: Reboot a second from now
  osf_reboot:
    phase: request

- name: Return the boot id
  osf_reboot:
    phase: look
  register: boot
"""

RETURN = r"""
boot_id_before:
  description: The boot id before the reboot.
  returned: always
  type: str
  sample: 9c3c4f5b-2f0e-4a55-9d1b-0a8f2c1f6a34
boot_id_after:
  description: The boot id after the reboot; null before it.
  returned: always
  type: str
  sample: 7d0f6c54-9f7e-4f0a-8a3d-2f6f2f6f0f1a
seconds:
  description: Duration of the reboot; null without a wait.
  returned: always
  type: int
  sample: 21
"""

import json
import os
import shutil

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.hold import owners
from ansible.module_utils.os_faults.module import Module
from ansible.module_utils.os_faults.service import systemd

REQUEST = [
    "systemd-run",
    "--collect",
    "--on-active=1s",
    "--timer-property=AccuracySec=100ms",
    "--description=reboot asked for by os_faults",
    "systemctl",
    "reboot",
]


BINDS_ROOT = 257
"""The first systemd whose inhibitors bind root."""

INHIBITORS = [
    "busctl",
    "--json=short",
    "call",
    "org.freedesktop.login1",
    "/org/freedesktop/login1",
    "org.freedesktop.login1.Manager",
    "ListInhibitors",
]


def blocking(answer: str) -> list[str]:
    """Return who blocks a reboot, as systemd-logind lists the inhibitors in JSON.

    >>> blocking('{"data":[[["shutdown:sleep","backup","it runs","block",0,7],["sleep","lid","","block",0,8]]]}')
    ["'backup' (pid 7: it runs)"]
    """
    try:
        (inhibitors,) = json.loads(answer)["data"]
        return [
            f"'{who}' (pid {pid:d}: {why})"
            for what, who, why, mode, _, pid in inhibitors
            if "shutdown" in what.split(":") and mode == "block"
        ]
    except (ValueError, KeyError, TypeError):
        return []


def refuse_inhibited(module: Module) -> None:
    """Refuse a reboot that systemd would refuse.

    Raises:
        Refused: with who blocks it.
    """
    version = systemd.version_of(module.run_command(["systemctl", "--version"])[1])
    if version is None or version < BINDS_ROOT or not shutil.which("busctl"):
        return
    found = blocking(module.run_command(INHIBITORS)[1])
    if found:
        raise errors.Refused(
            f"the reboot is blocked on this host by {', '.join(found)}, so nothing was done; "
            "end it or wait for it ('systemd-inhibit --list' shows it)"
        )


def request(module: Module) -> None:
    """Start a transient timer that reboots the host after the answer of this module."""
    if module.params["local"]:
        module.fail_json(
            msg="this host is reached by a local connection, so the reboot would hit the controller itself"
        )
    if not systemd.booted():
        module.fail_json(msg="this host is not run by systemd, so it can't be rebooted")
    if module.check_mode:
        return
    if os.geteuid() != 0:
        module.fail_json(msg="a host can only be rebooted as root, and this task is not run as root; set become")
    code, out, err = module.run_command(REQUEST)
    if code:
        module.fail_json(msg=f"the reboot could not be requested: {(err or out).strip()}")


def main() -> None:
    """Run the module."""
    module = Module(
        argument_spec={
            "phase": {"type": "str", "required": True, "choices": ["request", "look", "confirm"]},
            "boot_id_before": {"type": "str"},
            "local": {"type": "bool", "default": False},
            "seconds": {"type": "int"},
            "by": {"type": "str"},
            "force": {"type": "bool", "default": False},
        },
        required_if=[("phase", "confirm", ["boot_id_before"])],
        supports_check_mode=True,
    )
    phase = module.params["phase"]
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        now = file.read().strip()
    if phase != "confirm":
        try:
            owners.refuse_others(module.params["by"], module.params["force"])
            if systemd.booted():
                refuse_inhibited(module)
        except errors.Refused as error:
            module.fail_json(msg=str(error), refused=True)
    if phase == "request":
        request(module)
    before = module.params["boot_id_before"] if phase == "confirm" else now
    after = now if phase == "confirm" else None
    if phase == "confirm" and after == before and not module.check_mode:
        module.fail_json(msg=f"the host answers, but it was not rebooted: its boot id is still {now}")
    module.exit_json(
        changed=phase != "look", boot_id_before=before, boot_id_after=after, seconds=module.params["seconds"]
    )


if __name__ == "__main__":
    main()
