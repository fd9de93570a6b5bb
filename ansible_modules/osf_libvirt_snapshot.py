#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Take a snapshot of a virtual machine of libvirt, or revert to one."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_libvirt_snapshot
short_description: Take a snapshot of a virtual machine of libvirt, or revert to one
description:
  - Runs on a host that can reach libvirt, normally the controller.
  - V(snapshot) saves memory and disks of a domain that is on. A running domain runs afterwards as well.
  - V(revert) reverts a domain to a snapshot, also one that is off. It discards all changes since the snapshot, on the
    disks too. It acts each time.
  - An existing name, a missing snapshot and a snapshot of a domain that is off are refused. Other snapshots are not
    touched.
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
    choices: [snapshot, revert]
  name:
    description: Name of the snapshot. It must not be empty, begin with a dot, or have a slash or a line break in it.
    type: str
    required: true
  suspend:
    description: Whether V(snapshot) suspends the domain in the meantime.
    type: bool
    default: true
  resume:
    description: Whether the domain runs after V(revert); otherwise it is suspended.
    type: bool
    default: true
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
    description: Finds the domain and its snapshots, checks the request, and changes nothing.
    support: full
  diff_mode:
    description: Shows the names of the snapshots for V(snapshot), the state of the domain for V(revert).
    support: full
requirements: [libvirt-python]
author: [The os_faults authors (@os-faults)]
"""

EXAMPLES = r"""
- name: Take a snapshot of a machine before an experiment
  osf_libvirt_snapshot:
    uri: qemu+ssh://root@kvm.local/system
    domain: node-1
    state: snapshot
    name: ready
  delegate_to: localhost

- name: Revert it
  osf_libvirt_snapshot:
    uri: qemu+ssh://root@kvm.local/system
    domain: node-1
    state: revert
    name: ready
  delegate_to: localhost
"""

RETURN = r"""
snapshot:
  description: Name of the snapshot.
  returned: success
  type: str
  sample: ready
snapshots:
  description: Names of all snapshots of the domain; in check mode the expected ones.
  returned: success
  type: list
  elements: str
  sample: [clean, ready]
previous_state:
  description: Power state before, V(on) or V(off).
  returned: success
  type: str
  sample: "off"
power_state:
  description: Power state now, V(on) or V(off); in check mode the expected one.
  returned: success
  type: str
  sample: "on"
waited:
  description: Duration in seconds.
  returned: success
  type: float
  sample: 1.2
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

import re
import time
import xml.etree.ElementTree as ElementTree
from typing import Any, Callable, Mapping, Sequence

from ansible.module_utils.os_faults import errors, power_module
from ansible.module_utils.os_faults.module import Module
from ansible.module_utils.os_faults.power import again, libvirt

RUNNING = 1
PAUSED = 3
"""States of a domain: VIR_DOMAIN_RUNNING and VIR_DOMAIN_PAUSED."""

REVERT_FLAGS = {RUNNING: 1, PAUSED: 2}
"""State after a revert → VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING or VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED."""

WORDS = {RUNNING: "running", PAUSED: "paused"}

NAME = re.compile(r"[^/.\n][^/\n]*")


def refusal(action: str, name: str, names: Sequence[str], power: str) -> str | None:
    """Return why it can't be done; None when it can.

    Args:
        action: ``snapshot`` or ``revert``.
        name: of the snapshot.
        names: of all snapshots of the domain.
        power: whether the domain is ``on`` or ``off``.

    >>> refusal("revert", "ready", [], "on")
    "has no snapshot 'ready'; its snapshots: none"
    """
    if not NAME.fullmatch(name):
        return f"can't have a snapshot named {name!r}: the name is empty, begins with a dot, or has a slash in it"
    if action == "revert" and name not in names:
        return f"has no snapshot '{name}'; its snapshots: {', '.join(names) or 'none'}"
    if action == "snapshot" and name in names:
        return f"has a snapshot '{name}' already; choose another name"
    if action == "snapshot" and power == "off":
        return "is off, so there is no memory to save (poweron starts it)"
    return None


def described(name: str) -> str:
    """Return the XML by which libvirt takes a snapshot with the domain's memory.

    >>> described("a<b")
    '<domainsnapshot><name>a&lt;b</name></domainsnapshot>'
    """
    root = ElementTree.Element("domainsnapshot")
    ElementTree.SubElement(root, "name").text = name
    return ElementTree.tostring(root, encoding="unicode")


class Machine(libvirt.Domain):
    """A domain, with its snapshots."""

    def names(self) -> list[str]:
        """Return the names of its snapshots."""
        return sorted(self.call(lambda domain: domain.snapshotListNames()))

    def condition(self) -> int:
        """Return its state, such as ``RUNNING``."""
        return int(self.call(lambda domain: domain.state()[0]))

    def save(self, name: str, suspend: bool, asker: again.Asker) -> None:
        """Take a snapshot; a domain that ran before runs afterwards, also when there is no snapshot.

        Args:
            name: of the snapshot.
            suspend: whether the domain is suspended meanwhile.
            asker: the one that has asked the domain before. To let the domain go on, it is given the time for one
                answer at least.
        """
        suspend = suspend and self.condition() == RUNNING
        failures = []
        try:
            if suspend:
                self.call(lambda domain: domain.suspend())
            self.call(lambda domain: domain.snapshotCreateXML(described(name)), self.left)
        except errors.PowerError as error:
            failures.append(str(error))
        finally:
            if suspend:
                asker.deadline = asker.clock() + self.left
                trouble = not_seen(self._runs, asker)
                failures += [f"it is still suspended, and can't be made to go on: {trouble}"] if trouble else []
        if failures:
            raise errors.PowerError("; ".join(failures))

    def revert(self, name: str, state: int, asker: again.Asker) -> None:
        """Go back to a snapshot, and into the state ``RUNNING`` or ``PAUSED``."""
        flags = REVERT_FLAGS[state]
        self.call(lambda domain: domain.revertToSnapshot(domain.snapshotLookupByName(name), flags), self.left)
        trouble = not_seen(lambda: self.condition() == state, asker)
        if trouble:
            raise errors.PowerError(f"{self.name} is not {WORDS[state]} after the revert: {trouble}")

    def _runs(self) -> bool:
        """Let the domain go on unless it does, and return whether it does."""
        if self.condition() == PAUSED:
            self.call(lambda domain: domain.resume())
        return self.condition() == RUNNING


def not_seen(look: Callable[[], bool], asker: again.Asker) -> str:
    """Return why ``look()`` did not become true before the deadline; empty when it did."""
    begin = asker.clock()
    try:
        seen = asker.until(look)
    except errors.PowerError as error:
        return str(error)
    return "" if seen else f"that was not seen within {asker.clock() - begin:.0f} s"


def snapshot(machine: Machine, params: Mapping[str, Any], check_mode: bool, asker: again.Asker) -> dict[str, Any]:
    """Save the machine and return what happened."""
    before = machine.names()
    if not check_mode:
        machine.save(params["name"], params["suspend"], asker)
    after = sorted([*before, params["name"]])
    return {"snapshots": after, "diff": {"before": {"snapshots": before}, "after": {"snapshots": after}}}


def revert(machine: Machine, params: Mapping[str, Any], check_mode: bool, asker: again.Asker) -> dict[str, Any]:
    """Take the machine back and return what happened."""
    before = WORDS.get(machine.condition(), machine.state())
    after = RUNNING if params["resume"] else PAUSED
    if not check_mode:
        machine.revert(params["name"], after, asker)
    shown = {"before": {"state": before}, "after": {"state": WORDS[after], "as in": params["name"]}}
    return {"snapshots": machine.names(), "diff": shown}


ACTIONS = {"snapshot": snapshot, "revert": revert}


def carry_out(module: Module, machine: Machine) -> dict[str, Any]:
    """Do the action of the option ``state`` before one deadline for all of it, and return the result.

    Raises:
        PowerError: it is refused or has failed.
    """
    begin, params = time.monotonic(), module.params
    asker = again.Asker(params["timeout"], machine.patience, machine.distance)
    previous = asker.ask(machine.state)
    why = refusal(params["state"], params["name"], machine.names(), previous)
    if why:
        raise errors.PowerError(f"{machine.name} {why}")
    done = ACTIONS[params["state"]](machine, params, module.check_mode, asker)
    return dict(
        done,
        changed=True,
        snapshot=params["name"],
        previous_state=previous,
        power_state="on",
        waited=round(time.monotonic() - begin, 2),
    )


def main() -> None:
    """Run the module."""
    options: Mapping[str, Mapping[str, Any]] = {
        **libvirt.ARGUMENTS,
        "state": {"type": "str", "required": True, "choices": list(ACTIONS)},
        "name": {"type": "str", "required": True},
        "suspend": {"type": "bool", "default": True},
        "resume": {"type": "bool", "default": True},
    }
    power_module.run(
        options,
        libvirt.require,
        lambda module: Machine(module.params, module.tmpdir),
        carry_out,
        **libvirt.RULES,
    )


if __name__ == "__main__":
    main()
