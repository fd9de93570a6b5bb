#!/usr/bin/python
"""The module `osf_hold`: a lasting fault on the host, with its own undo."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_hold
short_description: Inject or undo a lasting fault
version_added: "1.0.0"
description:
  - Injects a fault that ends by itself, or undoes it.
  - The fault is a I(hold), a directory with a record and scripts, and a transient systemd unit C(os-faults-ID.service).
    The start of the unit injects the fault. Its main process waits for the end of the fault. The end of the unit, for
    any reason, undoes the fault.
  - The same fault and subject are the same hold. A second call runs the inject commands again, so they must be
    idempotent, and the later end counts.
  - A hold is undone when all its undo commands have succeeded. The undo then removes the directory; only this counts.
  - Without systemd, or if the user is not root, a watchdog process takes the place of the unit.
options:
  state:
    description:
      - V(present) makes the hold, V(absent) undoes it.
      - V(released) confirms an armed hold, so that it begins at O(at). Without it nothing begins.
      - V(injected) changes nothing. It waits for an armed hold, and fails if the hold did not take effect.
    type: str
    choices: [present, absent, released, injected]
    default: present
  fault:
    description: Verb of the fault, such as V(freeze).
    type: str
    required: true
  subject:
    description: Name of the target, for messages and the record.
    type: str
    required: true
  id:
    description: Id of the hold on the host. By default it is made of O(fault) and O(subject).
    type: str
  seconds:
    description:
      - Seconds until the hold ends by itself, up to a year (31536000), or V(never). Required for O(state=present).
    type: str
  at:
    description:
      - The start time of the fault, by the clock of the controller, in seconds since the epoch. It is within a year.
      - Until then the hold is V(armed). The commands O(prepare) have run, and the host is unchanged.
      - The fault begins if it is V(released) before, otherwise the hold is removed. O(seconds) count from the start
        time.
    type: float
  cuts_path:
    description:
      - Whether the fault may cut the host off at O(at), for O(state=injected). The action plugin of this module then
        opens a new connection. A host without an answer is cut off. Another one is asked for the state of the hold.
    type: bool
    default: false
  clock_reading:
    description:
      - The controller's reading of the clock of this host. The host was O(clock_reading.uptime) seconds after its boot
        when the clock of the controller was O(clock_reading.seen); both agree within O(clock_reading.within) seconds.
        The action plugin of this module reads it.
      - With it the start time is moved on a host whose clock is wrong. Without it the clock of the host counts.
    type: dict
  prepare:
    description:
      - Commands, each a list of arguments, that run before O(inject) and in the same way.
      - They check the request, and change only the directory of the hold.
    type: list
    elements: list
    default: []
  check:
    description:
      - Commands, each a list of arguments, that run last when the hold is armed for a start time (O(at)).
      - They check that O(inject) will succeed, and change nothing.
    type: list
    elements: list
    default: []
  inject:
    description:
      - Commands, each a list of arguments, that inject the fault. They run in the hold's directory.
      - They may print C(note TEXT), C(changed TEXT) and C(fact NAME=VALUE), each with a colon after the first word.
        Exit code 3 is a refusal. The last line of standard error becomes the message.
    type: list
    elements: list
    default: []
  undo:
    description:
      - Commands, each a list of arguments, that undo the fault. They run in the hold's directory.
      - They must be idempotent, and work without network, Python and free memory.
    type: list
    elements: list
    default: []
  look:
    description:
      - Commands, each a list of arguments, that tell whether the fault is in force. They run in the hold's directory.
      - All of them succeed while it is. Exit code 1 says that somebody else has ended it, any other that it can't be
        told. They change nothing and are quick, as a listing runs them, the undo does, and the hold every few seconds.
    type: list
    elements: list
    default: []
  files:
    description: Name and content of files for the commands, written into the hold's directory.
    type: dict
    default: {}
  scripts:
    description:
      - More such files, as paths below C(files) beside the playbook. The last part of a path is the name in the hold.
        The action plugin of this module reads them.
    type: list
    elements: str
    default: []
  acts_on:
    description:
      - The kind of target. It determines the lines of C(targets) for the scripts, and whether the fault can cut the
        connection of this module.
      - V(network) is the network of the host, except the ssh connections from the client of this module.
      - V(traffic) is an interface whose traffic goes on, but slower or with losses. A watchdog of root may carry it.
    type: str
    choices: [processes, ports, interface, traffic, network, host]
    default: host
  service:
    description: Definition of the service, for O(acts_on=processes) and O(acts_on=ports).
    type: dict
  interface:
    description: Name of the network interface, for O(acts_on=interface) and O(acts_on=traffic).
    type: str
  networks:
    description:
      - Names of the host's networks and their interfaces, for the message about an unknown O(interface).
    type: dict
    default: {}
  targets:
    description:
      - More C(word=value) lines for the scripts. They also name the parts of the host that the fault changes itself.
        Only these parts are compared after the undo.
      - V(changes=room) and V(changes=mount) are the file system and the mount at the directory in the file C(path),
        V(changes=clock) is the clock, C(interface=NAME) a network interface.
    type: list
    elements: str
    default: []
  momentary:
    description: Whether the fault ends together with its inject commands, as C(oom) does.
    type: bool
    default: false
  start_timeout:
    description: Seconds after which an unfinished injection is undone.
    type: int
    default: 60
  undo_timeout:
    description: Seconds after which an unfinished undo command is a failure.
    type: int
    default: 60
  by:
    description: The owner, for the record. By default the user and the address of the session.
    type: str
  force:
    description: Whether to act on a host with faults of other owners.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Reports what it would do and changes nothing.
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
- name: Freeze keystone for a minute
  osf_hold:
    fault: freeze
    subject: keystone
    seconds: 60
    acts_on: processes
    service: {driver: systemd, units: [devstack@keystone.service]}
    inject: [[sh, freeze.sh]]
    undo: [[sh, unfreeze.sh]]
    scripts: [freeze.sh, unfreeze.sh]

- name: Unfreeze it
  osf_hold:
    state: absent
    fault: freeze
    subject: keystone
"""

RETURN = r"""
id:
  description: Id of the hold.
  returned: always
  type: str
  sample: freeze-keystone
fault:
  description: Verb of the fault.
  returned: success
  type: str
subject:
  description: Its target.
  returned: success
  type: str
state:
  description: V(injected), V(absent), or V(armed) when the fault follows, at its start time or within a second.
  returned: success
  type: str
in_force_seconds:
  description: For how long the fault was in force, as far as it was looked at; null when that is not known.
  returned: when O(state=absent)
  type: float
since:
  description: Start of the fault, which is the end of its injection, seconds since the epoch.
  returned: success, when the hold exists
  type: float
until:
  description: Its automatic end, seconds since the epoch; null for never.
  returned: success
  type: float
extended:
  description: Whether the end of an existing hold has moved.
  returned: success
  type: bool
cuts_path:
  description: Whether the fault can cut the connection of this module.
  returned: success
  type: bool
notes:
  description: Sentences for a person.
  returned: success
  type: list
  elements: str
facts:
  description: The C(fact) lines of the inject commands.
  returned: success
  type: dict
at:
  description: The requested start time, by the controller's clock, seconds since the epoch.
  returned: success, when there is one
  type: float
late:
  description: Seconds from the start time to the begin of the injection, by the host's own clock.
  returned: when O(state=injected) has waited for the start time
  type: float
took:
  description: Duration of the injection in seconds.
  returned: when O(state=injected) has waited for the start time
  type: float
clock_ahead:
  description: Seconds by which the clock of the host is ahead of the controller's; null without a reading.
  returned: success, when there is a start time
  type: float
clock_within:
  description: Uncertainty of RV(clock_ahead) in seconds.
  returned: success, when there is a start time
  type: float
moved:
  description: Whether the start time was moved on this host by RV(clock_ahead), as its clock is wrong.
  returned: success, when there is a start time
  type: bool
undo_failed:
  description: Whether the fault is still on the host although its undo has run.
  returned: failure
  type: bool
"""

import os
import sys
from typing import Any, Iterable, Mapping

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.hold import identity, make, request
from ansible.module_utils.os_faults.hold.outcome import Cut
from ansible.module_utils.os_faults.host import pidfiles, proc, session, supervisor
from ansible.module_utils.os_faults.module import Module
from ansible.module_utils.os_faults.service import ports, resolve

ACTS_ON = ("processes", "ports", "interface", "traffic", "network", "host")
INTERFACE = ("interface", "traffic")


def refuse_unknown_network(options: Mapping[str, Any]) -> None:
    """Refuse a network whose interface is not on the host.

    Raises:
        Refused: the interface is not on the host; the message has the known networks.
    """
    network, interface, networks = options["subject"], options["interface"], options["networks"]
    if interface in os.listdir("/sys/class/net"):
        return
    if network in networks:
        raise errors.Refused(f"network '{network}' is on interface '{interface}', which this host does not have")
    known = ", ".join(sorted(networks)) or "none"
    raise errors.Refused(f"network '{network}' is not known; known: {known}")


def targets_of(module: Module) -> tuple[list[str], Cut]:
    """Return the lines of ``targets``, and the connections that the fault cuts.

    Raises:
        Refused: the fault has nothing to act on, or would not reach it.
    """
    options = module.params
    targets = list(options["targets"])
    if options["acts_on"] == "host":
        return ["python=" + sys.executable, *targets], Cut()
    if options["acts_on"] == "network":
        if "way=egress" in targets and "container" in (options["service"] or {}):
            ports.refuse_egress(resolve.resolve(module, options["service"], options["subject"]), options["subject"])
        here = session.connection()
        lines = [f"session={here.client}/{here.port:d}"] if here else []
        return lines + targets, Cut(network=True)
    if options["acts_on"] in INTERFACE:
        refuse_unknown_network(options)
        name = options["interface"]
        carried = session.carried_by_interface(module, name)
        cut = Cut(network=options["acts_on"] == "interface", session=carried)
        return ["interface=" + name, *targets], cut
    definition = options["service"]
    service = resolve.resolve(module, definition, options["subject"])
    if options["acts_on"] == "ports":
        found = ports.of_service(service, definition, options["subject"])
        carried = session.carried_by_ports((port.protocol, port.number) for port in found.ports)
        lines = [port.target for port in found.ports]
        return lines + targets, Cut(network=True, session=carried, notes=found.notes)
    lines = ["unit=" + unit for unit in service.units]
    if not service.units:
        lines += mains_of(resolve.mains(module, definition, options["subject"]), options["subject"])
    spared = session.spared()
    lines += [f"spare={pid:d}" for pid in spared]
    carried = session.carried_by_pids(set(service.pids) - set(spared))
    return lines + targets, Cut(session=carried)


def mains_of(named: Iterable[pidfiles.Named], name: str) -> list[str]:
    """Return a line for each main process of a service without units: its pid and its start time.

    If only the processes of one user count, the line ends with the user id.

    Raises:
        Refused: the service does not run.
    """
    owners = {each.pid: "" if each.owner is None else f"/{each.owner:d}" for each in named}
    found = proc.identify(owners)
    if not found:
        raise errors.Refused(f"{name} is not running on this host, so there is nothing to act on")
    return [f"main={each.pid:d}/{each.start:d}{owners[each.pid]}" for each in found]


def run(module: Module) -> dict[str, Any]:
    """Do what the options request, and return the answer of the module."""
    options = module.params
    hold_id = identity.checked_id(options["id"] or identity.hold_id(options["fault"], options["subject"]))
    if options["state"] != "present":
        _act(module)
    if options["state"] == "absent":
        if options["acts_on"] in INTERFACE and not make.is_held(hold_id):
            refuse_unknown_network(options)
        return make.absent(module, hold_id)
    if options["state"] == "released":
        return make.release(module, hold_id)
    if options["state"] == "injected":
        return make.confirmed(module, hold_id)
    if options["scripts"]:
        raise errors.Refused("scripts are read by the action plugin of osf_hold, which did not run; give files")
    supervisor.doing(f"looking for what {options['fault']} {options['subject']} acts on")
    targets, cut = targets_of(module)
    _act(module)
    return make.present(module, request.plan_of(options, hold_id, targets), cut, options["force"])


def _act(module: Module) -> None:
    if not module.check_mode:
        supervisor.acting()


def main() -> None:
    """Run the module."""
    module = Module(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent", "released", "injected"], "default": "present"},
            "fault": {"type": "str", "required": True},
            "subject": {"type": "str", "required": True},
            "id": {"type": "str"},
            "seconds": {"type": "str"},
            "at": {"type": "float"},
            "clock_reading": {"type": "dict"},
            "prepare": {"type": "list", "elements": "list", "default": []},
            "check": {"type": "list", "elements": "list", "default": []},
            "look": {"type": "list", "elements": "list", "default": []},
            "inject": {"type": "list", "elements": "list", "default": []},
            "undo": {"type": "list", "elements": "list", "default": []},
            "files": {"type": "dict", "default": {}},
            "scripts": {"type": "list", "elements": "str", "default": []},
            "cuts_path": {"type": "bool", "default": False},
            "acts_on": {"type": "str", "choices": list(ACTS_ON), "default": "host"},
            "service": {"type": "dict"},
            "interface": {"type": "str"},
            "networks": {"type": "dict", "default": {}},
            "targets": {"type": "list", "elements": "str", "default": []},
            "momentary": {"type": "bool", "default": False},
            "start_timeout": {"type": "int", "default": 60},
            "undo_timeout": {"type": "int", "default": 60},
            "by": {"type": "str"},
            "force": {"type": "bool", "default": False},
        },
        required_if=[
            ("state", "present", ("seconds",)),
            ("acts_on", "processes", ("service",)),
            ("acts_on", "ports", ("service",)),
            ("acts_on", "interface", ("interface",)),
            ("acts_on", "traffic", ("interface",)),
        ],
        supports_check_mode=True,
    )
    try:
        module.exit_json(fault=module.params["fault"], subject=module.params["subject"], **run(module))
    except errors.Failed as error:
        module.fail_json(msg=str(error), **error.payload)
    except (errors.Refused, errors.ServiceError) as error:
        module.fail_json(msg=str(error), refused=True)


if __name__ == "__main__":
    supervisor.run(main)
