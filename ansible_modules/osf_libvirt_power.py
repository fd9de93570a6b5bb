#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Power a virtual machine of libvirt off or on, shut it down or reset it."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_libvirt_power
short_description: Power a virtual machine of libvirt off or on, shut it down or reset it
description:
  - Runs on a host that can reach libvirt, normally the controller. The machine may be off.
  - V(poweron), V(poweroff) and V(shutdown) are states; a domain that is already in the state is not changed. V(reset)
    presses the reset button each time, and is refused for a domain that is off.
  - V(status) only reads.
  - The module waits until the domain is in the state, and fails if that does not happen within O(timeout).
  - The module repeats a request if the domain is busy or libvirt restarts, until O(timeout). It repeats V(reset) only
    if the first request certainly had no effect.
  - A domain stays defined after V(poweroff). It is refused for a transient domain, which would be lost.
version_added: "1.0.0"
options:
  uri:
    description: URI of libvirt.
    type: str
    default: qemu:///system
  ssh_args:
    description: Options of ssh, for a URI such as C(qemu+ssh://root@kvm.local/system).
    type: list
    elements: str
    default: []
  domain:
    description: Name or UUID of the domain. Either O(domain) or O(macs) is required.
    type: str
  macs:
    description: MAC addresses of the machine. Exactly one machine must have one of them.
    type: list
    elements: str
  state:
    description: The action.
    type: str
    required: true
    choices: [poweron, poweroff, shutdown, reset, status]
  timeout:
    description: Seconds after which an action without the expected effect is a failure.
    type: int
    default: 300
  connect_timeout:
    description: Seconds to wait for each answer of the interface to the machine.
    type: int
    default: 20
attributes:
  check_mode:
    description: Finds the domain, reports what it would do, and changes nothing.
    support: full
  diff_mode:
    description: Shows the power state before and after.
    support: full
requirements: [libvirt-python]
author: [The os_faults authors (@os-faults)]
"""

EXAMPLES = r"""
- name: Cut the power of the machine with this network card
  osf_libvirt_power:
    uri: qemu+ssh://root@kvm.local/system
    macs: ["52:54:00:12:34:56"]
    state: poweroff
  delegate_to: localhost

- name: Start it again
  osf_libvirt_power:
    uri: qemu+ssh://root@kvm.local/system
    domain: node-1
    state: poweron
  delegate_to: localhost
"""

RETURN = r"""
previous_state:
  description: Power state before, V(on) or V(off).
  returned: success
  type: str
  sample: "on"
power_state:
  description: Power state now, V(on) or V(off); in check mode the expected one.
  returned: success
  type: str
  sample: "off"
waited:
  description: Seconds from the request until the state was observed.
  returned: success
  type: float
  sample: 0.4
domain:
  description: Name of the domain.
  returned: success
  type: str
  sample: node-1
uuid:
  description: UUID of the domain.
  returned: success
  type: str
  sample: 6695eb01-f6a4-8304-79aa-97f2502e193f
matched_by:
  description: The property that identified the domain, V(name), V(uuid) or V(mac).
  returned: success
  type: str
  sample: mac
"""

from ansible.module_utils.os_faults import errors, power_module
from ansible.module_utils.os_faults.power import libvirt

DEAF = {3: "paused", 7: "suspended"}
"""States (VIR_DOMAIN_PAUSED, VIR_DOMAIN_PMSUSPENDED) in which a domain is on, but does not hear the power button."""

ACTS = {
    "poweron": lambda domain: domain.create(),
    "poweroff": lambda domain: domain.destroy(),
    "shutdown": lambda domain: domain.shutdown(),
    "reset": lambda domain: domain.reset(0),
}


class Machine(libvirt.Domain):
    """A domain, with its power switch."""

    def act(self, action: str) -> None:
        """Do it; what comes of it is looked at later."""
        if action in ("poweroff", "shutdown") and not self.call(lambda domain: domain.isPersistent()):
            raise errors.PowerError(f"{self.name} is transient, so without power it would be gone for good")
        if action == "shutdown":
            state = self.call(lambda domain: domain.state()[0])
            if state in DEAF:
                raise errors.PowerError(
                    f"{self.name} is {DEAF[state]}, so it can't be asked to shut down (poweroff cuts the power)"
                )
        self.call(ACTS[action], self.left)


def main() -> None:
    """Run the module."""
    power_module.run(
        libvirt.ARGUMENTS,
        libvirt.require,
        lambda module: Machine(module.params, module.tmpdir),
        power_module.switch,
        **libvirt.RULES,
    )


if __name__ == "__main__":
    main()
