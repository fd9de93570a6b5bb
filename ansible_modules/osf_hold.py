#!/usr/bin/python
"""The module `osf_hold`: a fault that lasts, and that carries its own undo on the host."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_hold
short_description: Make or take back a fault that lasts
version_added: "1.0.0"
description:
  - Makes a fault on the host that ends by itself, or takes it back.
  - The fault, a I(hold), is a directory with a record and three scripts, and a transient systemd unit
    C(os-faults-ID.service) that runs them. Its start injects the fault, its main process waits for the end,
    and its end, however it comes, takes the fault back.
  - The same fault and subject are the same hold. Making it again runs its inject commands once more, which must
    therefore be idempotent, and the later end wins.
  - A hold is taken back when its undo commands all succeeded. The undo then removes the directory; only that counts.
  - Where there is no systemd, or the user is not root, a process of its own (a watchdog) carries the hold.
options:
  state:
    description:
      - V(present) makes the hold, V(absent) takes it back.
      - V(released) lets a hold that was armed for O(at) begin then. Without it nothing begins.
      - V(injected) changes nothing. It waits for a hold that was armed, and fails when it did not take effect.
    type: str
    choices: [present, absent, released, injected]
    default: present
  fault:
    description: The verb that makes the fault, such as V(freeze).
    type: str
    required: true
  subject:
    description: Name of the target, for messages and the record.
    type: str
    required: true
  id:
    description: Identity of the hold on the host. Made of O(fault) and O(subject) by default.
    type: str
  seconds:
    description:
      - Seconds until the hold ends by itself, up to a year (31536000), or the word V(never). Required to make one.
    type: str
  at:
    description:
      - The start time of the fault, by the clock of the controller, in seconds since the epoch. It is within a year.
      - Until then the hold is V(armed). Its commands O(prepare) have run, and nothing has been done to the host.
      - It begins if it is V(released) before, and is gone otherwise. O(seconds) count from the start time.
    type: float
  cuts_path:
    description:
      - Whether the fault may have cut the host off by O(at), for O(state=injected). The action plugin of this module
        then tries to reach it anew. A host that does not answer is cut off, one that does is asked.
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
      - Commands, each a list of arguments, that run before those of O(inject), see there.
      - They refuse what can't be done, and change nothing outside of the hold's directory.
    type: list
    elements: list
    default: []
  check:
    description:
      - Commands, each a list of arguments, that run last when the hold is armed for a start time (O(at)).
      - They refuse what could not be done then, and change nothing.
    type: list
    elements: list
    default: []
  inject:
    description:
      - Commands, each a list of arguments, that inject the fault. They run in the hold's directory.
      - On standard output they may say C(note TEXT), C(changed TEXT) and C(fact NAME=VALUE), each with a colon after
        the first word. They refuse with exit code 3, and the last line of their error output becomes the message.
    type: list
    elements: list
    default: []
  undo:
    description:
      - Commands, each a list of arguments, that take the fault back. They run in the hold's directory.
      - They must be idempotent and need no network, no Python and no free memory.
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
    description: Name and content of the files that the commands need, written into the hold's directory.
    type: dict
    default: {}
  scripts:
    description:
      - Further such files, as paths below C(files) beside the playbook; the last part of a path is the name in the
        hold. The action plugin of this module reads them, so it must be there.
    type: list
    elements: str
    default: []
  acts_on:
    description:
      - What of the host the fault acts on. It decides what is written to C(targets) for the scripts, and whether
        the fault cuts the path over which this module was reached.
      - V(network) is the network of the host, but for the ssh connections from where this module was asked.
      - V(traffic) is an interface whose network goes on, slower or worse, so that a watchdog of root may carry it too.
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
      - Names of the host's networks and their interfaces, for the same. They are named when O(interface) is
        neither one of them nor an interface of the host.
    type: dict
    default: {}
  targets:
    description:
      - Further C(word=value) lines for the scripts, and what else of the host the fault changes by its own hand.
      - V(changes=room) and V(changes=mount) are the file system and the mount at the directory in the file C(path),
        V(changes=clock) is the clock, C(interface=NAME) a network interface. Only this is compared after the undo.
    type: list
    elements: str
    default: []
  momentary:
    description: Whether the fault is over when its inject commands have ended. The hold only guards it meanwhile.
    type: bool
    default: false
  start_timeout:
    description: Seconds after which the injection is given up and taken back.
    type: int
    default: 60
  undo_timeout:
    description: Seconds after which one undo command is given up.
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

- name: Let it go on
  osf_hold:
    state: absent
    fault: freeze
    subject: keystone
"""

RETURN = r"""
id:
  description: Identity of the hold.
  returned: always
  type: str
  sample: freeze-keystone
fault:
  description: The verb that made it.
  returned: success
  type: str
subject:
  description: What it is done to.
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
  description: When the fault began, which is when its injection had ended, seconds since the epoch.
  returned: success, when the hold is there
  type: float
until:
  description: When it ends by itself, seconds since the epoch; null for never.
  returned: success
  type: float
extended:
  description: Whether the end of a hold that was there has moved.
  returned: success
  type: bool
cuts_path:
  description: Whether the fault may cut the path over which the host was reached.
  returned: success
  type: bool
notes:
  description: Sentences for a person.
  returned: success
  type: list
  elements: str
facts:
  description: What the inject commands measured.
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
  description: Seconds that the injection took.
  returned: when O(state=injected) has waited for the start time
  type: float
clock_ahead:
  description: Seconds by which the clock of the host is ahead of the controller's; null without a reading.
  returned: success, when there is a start time
  type: float
clock_within:
  description: Seconds by which RV(clock_ahead) may be wrong.
  returned: success, when there is a start time
  type: float
moved:
  description: Whether the start time was moved on this host by RV(clock_ahead), as its clock is wrong.
  returned: success, when there is a start time
  type: bool
undo_failed:
  description: Whether a fault of ours is still on the host although its undo ran.
  returned: failure
  type: bool
"""

import os
import re
import sys
from typing import Any, Iterable, Mapping

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.hold import identity, make, start_time
from ansible.module_utils.os_faults.host import clock, pidfiles, proc, session, supervisor
from ansible.module_utils.os_faults.module import Module
from ansible.module_utils.os_faults.service import ports, resolve

ACTS_ON = ("processes", "ports", "interface", "traffic", "network", "host")
INTERFACE = ("interface", "traffic")


def seconds_of(value: str | None) -> int | None:
    """Return the seconds until the end of a hold, None for never.

    Raises:
        Refused: it is neither a number from 1 to a year's seconds nor the word ``never``.
    """
    text = (value or "").strip()
    if text == "never":
        return None
    if not re.fullmatch("[0-9]{1,8}", text) or not 1 <= int(text) <= clock.LONGEST:
        raise errors.Refused(
            f"the end of a fault must be a number of seconds from 1 to {clock.LONGEST:d} (a year) or the word never, "
            f"got: {text[:40]}"
        )
    return int(text)


def start_time_of(options: Mapping[str, Any]) -> start_time.StartTime | None:
    """Return the start time of the fault; None for at once.

    Raises:
        Refused: it is more than a year away, or the controller's reading of the clock is none.
    """
    if options["at"] is None:
        return None
    reading = start_time.reading_of(options["clock_reading"])
    start = start_time.on_this_host(options["at"], reading, clock.now(), clock.uptime())
    if start.uptime - clock.uptime() > clock.LONGEST:
        raise errors.Refused(f"the start time of a fault must be within a year, got: {start.at}")
    return start


def refuse_unknown_network(options: Mapping[str, Any]) -> None:
    """Refuse a network whose interface is not on the host.

    Raises:
        Refused: with the networks that are known.
    """
    network, interface, networks = options["subject"], options["interface"], options["networks"]
    if interface in os.listdir("/sys/class/net"):
        return
    if network in networks:
        raise errors.Refused(f"network '{network}' is on interface '{interface}', which this host does not have")
    known = ", ".join(sorted(networks)) or "none"
    raise errors.Refused(f"network '{network}' is not known; known: {known}")


def refuse_traffic_elsewhere(module: Module) -> None:
    """Refuse to cut what leaves a container with a network of its own: the rules of this host don't see it leave.

    Raises:
        Refused: with the way around.
    """
    options = module.params
    if "way=egress" not in options["targets"] or "container" not in (options["service"] or {}):
        return
    service = resolve.resolve(module, options["service"], options["subject"])
    if ports.has_own_network(service.pids):
        raise errors.Refused(
            f"{options['subject']}: the container has a network of its own, so what leaves it can't be cut off on this "
            "host; cut off what arrives at the other end (ingress)"
        )


def targets_of(module: Module) -> tuple[list[str], make.Cut]:
    """Return the lines that tell the scripts what to act on, and what the fault does to the network.

    Raises:
        Refused: there is nothing to act on, or it could not be reached by the fault.
    """
    options = module.params
    targets = list(options["targets"])
    if options["acts_on"] == "host":
        return ["python=" + sys.executable, *targets], make.Cut()
    if options["acts_on"] == "network":
        refuse_traffic_elsewhere(module)
        here = session.connection()
        lines = [f"session={here.client}/{here.port:d}"] if here else []
        return lines + targets, make.Cut(network=True)
    if options["acts_on"] in INTERFACE:
        refuse_unknown_network(options)
        name = options["interface"]
        carried = session.carried_by_interface(module, name)
        cut = make.Cut(network=options["acts_on"] == "interface", session=carried)
        return ["interface=" + name, *targets], cut
    definition = options["service"]
    service = resolve.resolve(module, definition, options["subject"])
    if options["acts_on"] == "ports":
        found = ports.of_service(service, definition, options["subject"])
        carried = session.carried_by_ports((port.protocol, port.number) for port in found.ports)
        lines = [port.target for port in found.ports]
        return lines + targets, make.Cut(network=True, session=carried, notes=found.notes)
    lines = ["unit=" + unit for unit in service.units]
    if not service.units:
        lines += mains_of(resolve.mains(module, definition, options["subject"]), options["subject"])
    spared = session.spared()
    lines += [f"spare={pid:d}" for pid in spared]
    carried = session.carried_by_pids(set(service.pids) - set(spared))
    return lines + targets, make.Cut(session=carried)


def mains_of(named: Iterable[pidfiles.Named], name: str) -> list[str]:
    """Return a line for each main process of a service without units, told apart from a later one with its pid.

    Where only the processes of one user are meant, his id stands at the end.

    Raises:
        Refused: it does not run.
    """
    owners = {each.pid: "" if each.owner is None else f"/{each.owner:d}" for each in named}
    found = proc.identify(owners)
    if not found:
        raise errors.Refused(f"{name} is not running on this host, so there is nothing to freeze")
    return [f"main={each.pid:d}/{each.start:d}{owners[each.pid]}" for each in found]


def plan_of(options: Mapping[str, Any], hold_id: str, targets: list[str]) -> make.Plan:
    """Return the hold that the options ask for."""
    return make.Plan(
        id=hold_id,
        fault=options["fault"],
        subject=options["subject"],
        seconds=seconds_of(options["seconds"]),
        inject=[[str(part) for part in command] for command in options["inject"]],
        undo=[[str(part) for part in command] for command in options["undo"]],
        files={name: str(content) for name, content in options["files"].items()},
        targets=targets,
        undo_timeout=options["undo_timeout"],
        start_timeout=options["start_timeout"],
        by=options["by"] or make.who(),
        acts_on=options["acts_on"],
        prepare=[[str(part) for part in command] for command in options["prepare"]],
        check=[[str(part) for part in command] for command in options["check"]],
        look=[[str(part) for part in command] for command in options["look"]],
        start_time=start_time_of(options),
        momentary=options["momentary"],
    )


def run(module: Module) -> dict[str, Any]:
    """Do what the options ask for and return the module's answer."""
    options = module.params
    hold_id = identity.checked_id(options["id"] or make.hold_id(options["fault"], options["subject"]))
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
    return make.present(module, plan_of(options, hold_id, targets), cut, options["force"])


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
