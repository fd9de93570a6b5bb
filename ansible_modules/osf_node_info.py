#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Return facts about a host, and its services of a catalogue."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_node_info
short_description: Return facts about a host, and its services of a catalogue
description:
  - Returns in one call everything that os_faults needs to know about a host. It only reads, and does not need root.
  - Returns only services that are on the host, running or not.
version_added: "1.0.0"
options:
  services:
    description:
      - The services to look for, by name, each as in the catalogue. With C(driver) V(systemd) it has C(units), with
        V(process) one of C(pidfile), C(executable), C(grep) and C(units), with V(container) it has C(container), with
        V(pacemaker) C(resource) and optionally C(or_units), for hosts whose cluster has no such resource.
    type: dict
    default: {}
  containers:
    description: The containers to look for, by name, each with its own name (C(container)) and C(engine).
    type: dict
    default: {}
attributes:
  check_mode:
    description: The module only reads.
    support: full
  diff_mode:
    description: The module compares no texts.
    support: none
author: [The os_faults authors (@os-faults)]
"""

EXAMPLES = r"""
- name: Return the host and its services
  osf_node_info:
    services:
      keystone: {driver: systemd, units: [devstack@keystone.service, keystone.service]}
      web: {driver: process, pidfile: /home/me/web/web.pid, start: [/home/me/web/server]}
"""

RETURN = r"""
node:
  description: Facts about the host.
  returned: always
  type: dict
  contains:
    fqdn:
      description: Full name; the short name when the host has no full name.
      type: str
      returned: always
      sample: node-1.domain.tld
    hostname:
      description: Host name of the kernel.
      type: str
      returned: always
      sample: node-1
    addresses:
      description: All addresses that other hosts can reach, without prefix length.
      type: list
      elements: str
      returned: always
      sample: [10.0.0.11]
    interfaces:
      description: All interfaces except loopback, each with C(name), C(mac) (null without one) and C(addresses).
      type: list
      elements: dict
      returned: always
      sample: [{name: eth0, mac: "52:54:00:aa:bb:01", addresses: [10.0.0.11]}]
    default_interface:
      description: The interface of the default route; null when there is none.
      type: str
      returned: always
      sample: eth0
    boot_id:
      description: Id of the boot; it changes with each boot.
      type: str
      returned: always
      sample: 9c3c4f5b-2f0e-4a55-9d1b-0a8f2c1f6a34
    python:
      description: Version of the Python of the modules.
      type: str
      returned: always
      sample: 3.11.2
    systemd:
      description: Version of systemd; null on a host without it.
      type: int
      returned: always
      sample: 252
    virtualization:
      description: Virtualization that systemd detects; null for metal or unknown.
      type: str
      returned: always
      sample: kvm
    euid:
      description: Effective user id of the modules; 0 is root.
      type: int
      returned: always
      sample: 0
services:
  description: The services on the host, by name, each with C(units) (ids) and C(active).
  returned: always
  type: dict
  sample: {keystone: {units: [devstack@keystone.service], active: true}}
containers:
  description: The containers on the host, by name, each with C(engine) and C(active).
  returned: always
  type: dict
  sample: {nova_api: {engine: podman, active: true}}
claims:
  description: The faults that block other owners, each with C(fault), C(subject), C(by), C(since) and C(until).
  returned: always
  type: list
  elements: dict
  sample: [{fault: freeze, subject: keystone, by: me@controller, since: 1774000000.0, until: 1774001800.0}]
notes:
  description: Sentences about missing abilities of the host and about pid files that are not trusted.
  returned: always
  type: list
  elements: str
  sample:
    - "this host is not run by systemd: lasting faults are undone by a watchdog process, and network cuts are refused"
"""

import os
import shutil
import socket
import sys
from typing import Any, Mapping

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.hold import owners, terminated
from ansible.module_utils.os_faults.host import network, supervisor
from ansible.module_utils.os_faults.module import Module
from ansible.module_utils.os_faults.service import containers, pacemaker, programs, systemd


def usability(version: int | None, euid: int) -> list[str]:
    """Return sentences about missing abilities of the host.

    Args:
        version: version of systemd; None on a host without it.
        euid: user id of the modules.
    """
    notes = []
    limits = "lasting faults are undone by a watchdog process, and network cuts are refused"
    if version is None:
        notes.append("this host is not run by systemd: " + limits)
    if euid != 0:
        notes.append(
            f"tasks are not run as root on this host: only services of this very user can be acted on, {limits}; "
            "set become for everything else"
        )
    return notes


def manager(module: Module) -> tuple[int | None, str | None]:
    """Return version and virtualization that systemd reports; ``(None, None)`` on a host without it."""
    if not systemd.booted():
        return None, None
    code, out, _err = module.run_command(["systemctl", "--no-pager", "show", "--property=Version,Virtualization"])
    told = systemd.parse_show(out)[0] if code == 0 and out.strip() else {}
    return systemd.version_of(told.get("Version", "")), told.get("Virtualization") or None


def is_in_use(fact: Mapping[str, str]) -> bool:
    """Return whether a unit runs or should run: a disabled unit that is down is only part of a package."""
    unused = fact["UnitFileState"].startswith(("disabled", "masked")) and not fact["TriggeredBy"]
    return fact["ActiveState"] != "inactive" or not unused


def systemd_services(module: Module, services: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the services in use on this host, with three calls of systemctl for all of them."""
    wanted = {name: [systemd.pattern(each) for each in entry["units"]] for name, entry in services.items()}
    existing = systemd.existing(module.run_command)
    chosen = {name: systemd.choose(patterns, existing) for name, patterns in wanted.items()}
    asked = sorted({unit for units in chosen.values() for unit in units})
    by_name = systemd.show(module.run_command, asked, (*systemd.STATE, "UnitFileState", "TriggeredBy"))
    found = {}
    for name, units in chosen.items():
        facts = [by_name[unit] for unit in units if by_name[unit]["LoadState"] != "not-found"]
        if any(is_in_use(each) for each in facts) or (facts and terminated.is_terminated(name)):
            active = any(each["ActiveState"] in ("active", "reloading", "refreshing") for each in facts)
            found[name] = {"units": sorted({each["Id"] for each in facts}), "active": active}
    return found


def is_on_host(name: str, entry: Mapping[str, Any]) -> bool:
    """Return whether a program without units is on this host.

    With a pid file this is so if the program and the directory of the file exist; otherwise if the program runs, or was
    terminated by os_faults.
    """
    if "pidfile" in entry:
        program = (entry.get("start") or ["/bin/sh"])[0]
        return bool(os.path.isdir(os.path.dirname(entry["pidfile"])) and shutil.which(program))
    return terminated.is_terminated(name) or bool(programs.mains(entry))


def process_services(services: Mapping[str, Mapping[str, Any]], notes: list[str]) -> dict[str, dict[str, Any]]:
    """Return the programs on this host; problems with a program are added to ``notes``."""
    found = {}
    for name, entry in services.items():
        supervisor.doing(f"looking for service '{name}'")
        try:
            if not is_on_host(name, entry):
                continue
            active = bool(programs.mains(entry, terminated.user_when_terminated(name)))
        except errors.Refused as error:
            active = False
            notes.append(f"service '{name}': {error}")
        found[name] = {"units": [entry.get("pidfile", name)], "active": active}
    return found


def pacemaker_services(
    module: Module, services: Mapping[str, Mapping[str, Any]], notes: list[str]
) -> dict[str, dict[str, Any]]:
    """Return the services that are resources of this host's cluster; each host of the cluster has all of them.

    A Pacemaker that is installed and does not answer is named in ``notes``.
    """
    if not pacemaker.installed():
        return {}
    try:
        cluster = pacemaker.ask(module.run_command)
        here = pacemaker.own_name(module.run_command)
    except errors.ClusterError as error:
        notes.append(str(error))
        return {}
    return {
        name: {"units": [entry["resource"]], "active": here in cluster.resources[entry["resource"]].nodes}
        for name, entry in services.items()
        if entry["resource"] in cluster.resources
    }


def find_services(
    module: Module, services: Mapping[str, Mapping[str, Any]], notes: list[str]
) -> dict[str, dict[str, Any]]:
    """Return the services on this host that are no containers; problems are added to ``notes``."""
    by_driver: dict[str, dict[str, Mapping[str, Any]]] = {}
    for name, entry in services.items():
        by_driver.setdefault(entry.get("driver", "systemd"), {})[name] = entry
    managed = by_driver.get("pacemaker", {})
    found = pacemaker_services(module, managed, notes) if managed else {}
    running = by_driver.get("process", {})
    found.update(process_services({name: entry for name, entry in running.items() if "units" not in entry}, notes))
    units: dict[str, Mapping[str, Any]] = {
        name: {"units": entry["or_units"]} for name, entry in managed.items() if "or_units" in entry
    }
    units.update((name, entry) for name, entry in running.items() if "units" in entry)
    units.update(by_driver.get("systemd", {}))
    units = {name: entry for name, entry in units.items() if name not in found}
    if units and systemd.booted():
        supervisor.doing("asking systemd for its units")
        found.update(systemd_services(module, units))
    return found


def find_containers(
    module: Module, services: Mapping[str, Mapping[str, Any]], wanted: Mapping[str, Mapping[str, Any]], notes: list[str]
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return the services on this host that are containers, and the wanted containers; each engine is asked once.

    Problems are added to ``notes``.
    """
    contained = {name: entry for name, entry in services.items() if entry.get("driver") == "container"}
    asked = {(kind, name): each[name] for kind, each in enumerate((contained, wanted)) for name in each}
    there = containers.on_host(module.run_command, asked, notes)
    of_services = {
        name: {"units": [entry["container"]], "active": there[0, name]["active"]}
        for name, entry in contained.items()
        if (0, name) in there
    }
    return of_services, {name: there[1, name] for name in wanted if (1, name) in there}


def describe_node(module: Module) -> dict[str, Any]:
    """Return the facts about the host."""
    links = network.interfaces(module.run_command)
    hostname = socket.gethostname()
    version, virtualization = manager(module)
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot_id = file.read().strip()
    return {
        "fqdn": network.fqdn(hostname),
        "hostname": hostname,
        "addresses": network.reachable_addresses(links),
        "interfaces": links,
        "default_interface": network.own_default_interface(),
        "boot_id": boot_id,
        "python": sys.version.split()[0],
        "systemd": version,
        "virtualization": None if virtualization == "none" else virtualization,
        "euid": os.geteuid(),
    }


def main() -> None:
    """Run the module."""
    module = Module(
        argument_spec={"services": {"type": "dict", "default": {}}, "containers": {"type": "dict", "default": {}}},
        supports_check_mode=True,
    )
    module.run_command_environ_update = systemd.ENVIRONMENT
    refused: list[str] = []
    try:
        supervisor.doing("looking at its network")
        node = describe_node(module)
        supervisor.doing("asking for its services")
        services = find_services(module, module.params["services"], refused)
        supervisor.doing("asking for its containers")
        contained, there = find_containers(module, module.params["services"], module.params["containers"], refused)
    except errors.UnitError as error:
        module.fail_json(msg=str(error))
    supervisor.doing("looking for faults")
    services.update(contained)
    notes = usability(node["systemd"], node["euid"]) + refused
    module.exit_json(
        changed=False,
        node=node,
        services={name: services[name] for name in sorted(services)},
        containers=there,
        claims=owners.claims(),
        notes=notes,
    )


if __name__ == "__main__":
    supervisor.run(main)
