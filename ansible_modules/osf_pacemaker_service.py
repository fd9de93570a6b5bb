#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Start, stop, restart or kill a service that is a resource of a Pacemaker cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_pacemaker_service
short_description: Start, terminate, restart or kill a service that Pacemaker manages
description:
  - Pacemaker would restart a service that is stopped without its knowledge, so the module uses Pacemaker's tools.
  - V(terminate) bans the resource from this host and waits until it no longer runs here. Pacemaker starts it on
    another host, if one is left. A resource that is banned from all hosts is down.
  - A ban outlives a reboot, as it is in the configuration of the cluster. So does its record, on the disk of the host
    (C(/var/lib/os-faults)). Healing the host lifts the ban. V(start) and V(restart) remove the record.
  - V(start) lifts the ban, enables a disabled resource, and waits until it runs; a clone or a bundle must run on this
    host.
  - V(restart) and V(kill) act on the host where the resource runs. On other hosts they change nothing, and report that
    host. Of a clone or a bundle they act only on what runs on this host.
  - A resource in a bundle is started and stopped with its container, so the bundle is acted on.
  - V(kill) sends SIGKILL to its processes. Pacemaker starts the resource again after its next check.
version_added: "1.0.0"
options:
  name:
    description: Name of the service, for messages and the record.
    type: str
    required: true
  resource:
    description: Name of the resource, or of a group, a clone or a bundle.
    type: str
    required: true
  processes:
    description:
      - The way to find its processes, as in the definition of a service (C(pidfile), C(executable), C(grep) or
        C(units)). A resource that is a systemd unit needs none.
    type: dict
    default: {}
  or_units:
    description: Units of the service for hosts whose cluster has no such resource. There the module changes nothing.
    type: list
    elements: str
    default: []
  action:
    description: The action.
    type: str
    required: true
    choices: [start, terminate, restart, kill]
  timeout:
    description: Seconds after which an action without the expected effect is a failure.
    type: int
    default: 300
  by:
    description: The owner, for the record. By default the user and the address of the session.
    type: str
  force:
    description: Whether to act on a host with faults of other owners.
    type: bool
    default: false
attributes:
  check_mode:
    description: Reports what it would do and changes nothing.
    support: full
  diff_mode:
    description: The module compares no texts.
    support: none
requirements: [Pacemaker's tools crm_mon, crm_node and crm_resource]
author: [The os_faults authors (@os-faults)]
"""

EXAMPLES = r"""
- name: Keep mysql away from this host
  osf_pacemaker_service:
    name: mysql
    resource: p_mysqld
    action: terminate

- name: Kill it, with all its processes
  osf_pacemaker_service:
    name: mysql
    resource: p_mysqld
    processes: {grep: "/mysqld( |$)"}
    action: kill
"""

RETURN = r"""
state:
  description: V(active) if the resource runs on this host, V(unknown) with RV(use_units), else V(inactive).
  returned: success
  type: str
  sample: active
units:
  description: The resource.
  returned: success
  type: list
  elements: str
  sample: [p_mysqld]
nodes:
  description: Nodes on which the resource runs now, by their names in the cluster.
  returned: success
  type: list
  elements: str
  sample: [node-2]
pids_before:
  description: Process ids of the service on this host before the action, if O(processes) or a unit identifies them.
  returned: success
  type: list
  elements: int
  sample: [811]
pids_after:
  description: Process ids after the action; in check mode those before.
  returned: success
  type: list
  elements: int
  sample: []
use_units:
  description: Whether the cluster has no such resource, so that O(or_units) are the service.
  returned: success
  type: bool
  sample: false
notes:
  description: Sentences for a person.
  returned: success
  type: list
  elements: str
  sample: ["Pacemaker runs it on node-2 now"]
"""

import os
import signal
import time
from typing import Any, Callable, Mapping, Sequence

from ansible.module_utils.os_faults import errors, service_module
from ansible.module_utils.os_faults.hold import recorded
from ansible.module_utils.os_faults.host import proc, supervisor
from ansible.module_utils.os_faults.module import Module
from ansible.module_utils.os_faults.service import pacemaker, resolve, systemd

PAUSE = 0.5
"""Seconds between two queries of the cluster."""


class Managed(service_module.Target):
    """The resource, as this host sees it. All changes to the cluster are made here."""

    def __init__(self, module: Module, cluster: pacemaker.Cluster) -> None:
        self.name = module.params["name"]
        super().__init__(module, f"service '{self.name}'")
        self.here = pacemaker.own_name(module.run_command)
        self.cluster = cluster
        asked = cluster.resource(module.params["resource"])
        self.resource = asked.bundle or asked.id

    @property
    def facts(self) -> pacemaker.Resource:
        """The state of the resource."""
        return self.cluster.resource(self.resource)

    @property
    def runs_here(self) -> bool:
        """Whether the resource, or a part of it, runs on this host."""
        return self.here in self.facts.nodes

    @property
    def banned(self) -> bool:
        """Whether the resource is banned from this host."""
        return (self.resource, self.here) in self.cluster.bans

    @property
    def is_up(self) -> bool:
        """Whether it runs and is no longer starting: a clone on this host, any other resource on any node."""
        started = set(self.facts.nodes) - set(self.facts.starting)
        return self.here in started if self.facts.everywhere else bool(started)

    def whereabouts(self) -> str:
        """Return a sentence about the nodes on which the resource runs."""
        nodes = ", ".join(self.facts.nodes)
        return f"Pacemaker runs it on {nodes} now" if nodes else "it runs nowhere in the cluster now"

    def elsewhere(self) -> list[str]:
        """Return a note about the other nodes on which it runs; none if it runs here."""
        return [] if self.runs_here else [self.whereabouts()]

    def refresh(self) -> None:
        """Query Pacemaker again."""
        self.cluster = pacemaker.ask(self.module.run_command)

    def pids(self) -> list[int]:
        """Return the process ids of the service on this host; none if there is no way to find them."""
        definition = {
            "driver": "pacemaker",
            "resource": self.module.params["resource"],
            **self.module.params["processes"],
        }
        try:
            return resolve.processes(self.module, definition, self.name)
        except errors.ServiceError:
            return []

    def answer(self, pids: list[int]) -> dict[str, Any]:
        """Return the nodes of the resource, and whether it runs here."""
        return {
            "state": "active" if self.runs_here else "inactive",
            "units": [self.resource],
            "use_units": False,
            "nodes": list(self.facts.nodes),
        }

    def tell(self, *words: str) -> None:
        """Run ``crm_resource`` for the resource; raise `Failed` if it fails."""
        self.run(["crm_resource", "--resource", self.resource, *words])

    def enable(self) -> None:
        """Remove the obstacles to a start here: the ban, a stop for the whole cluster, and old failures."""
        if self.banned:
            self.tell("--clear", "--node", self.here)
        if self.facts.disabled:
            self.tell("--meta", "--set-parameter", "target-role", "--parameter-value", "Started")
        if not self.facts.nodes:
            self.tell("--cleanup")

    def wait(self, reached: Callable[[], bool], what: str) -> None:
        """Wait for a state of the cluster.

        Args:
            reached: returns whether the cluster is in that state.
            what: the action, for the message.

        Raises:
            Failed: it is not in that state at the deadline.
        """
        self.refresh()
        while not reached():
            if time.monotonic() >= self.deadline:
                raise errors.Failed(
                    f"service '{self.name}' did not {what} within {self.module.params['timeout']:d} s: "
                    f"{self.whereabouts()}"
                )
            time.sleep(PAUSE)
            self.refresh()


def start(managed: Managed) -> tuple[bool, list[str]]:
    """Remove the obstacles to a start here, and wait until the resource runs."""
    change = managed.banned or managed.facts.disabled or not managed.is_up
    if managed.module.check_mode:
        return change, [f"would let Pacemaker start {managed.resource}"] if change else []
    if change:
        managed.enable()
        managed.wait(lambda: managed.is_up, "start")
    recorded.close(managed.module, "terminate", managed.name)
    return change, managed.elsewhere()


def terminate(managed: Managed) -> tuple[bool, list[str]]:
    """Ban the resource from this host, and leave a record with the command that lifts the ban."""
    if managed.banned and not managed.runs_here:
        return False, [managed.whereabouts()]
    if managed.module.check_mode:
        return True, [f"would ban {managed.resource} from {managed.here}"]
    if not managed.facts.managed:
        raise errors.Failed(f"service '{managed.name}': Pacemaker does not manage its resource {managed.resource}")
    recorded.record_change(
        managed.module,
        fault="terminate",
        subject=managed.name,
        state="terminated",
        by=managed.module.params["by"],
        undo=[["crm_resource", "--resource", managed.resource, "--clear", "--node", managed.here]],
        lasting=True,
    )
    managed.tell("--ban", "--node", managed.here)
    managed.wait(lambda: not managed.runs_here, "stop")
    return True, [managed.whereabouts()]


def restart(managed: Managed) -> tuple[bool, list[str]]:
    """Restart the resource if it runs on this host; start it if it is banned or runs nowhere."""
    if managed.banned or not managed.facts.nodes:
        return start(managed)
    if not managed.runs_here:
        return False, ["nothing was done here: " + managed.whereabouts()]
    if managed.module.check_mode:
        return True, ["would restart " + managed.resource]
    managed.tell("--restart", *(["--node", managed.here] if managed.facts.everywhere else []))
    managed.wait(lambda: managed.is_up, "restart")
    recorded.close(managed.module, "terminate", managed.name)
    return True, managed.elsewhere()


def kill(managed: Managed) -> tuple[bool, list[str]]:
    """Kill every process of the resource here."""
    victims = proc.identify(managed.pids())
    if not victims and managed.facts.nodes and not managed.runs_here:
        return False, ["nothing was done here: " + managed.whereabouts()]
    if not victims:
        raise errors.Failed(
            f"nothing to kill: service '{managed.name}' has no process on this host that could be found; "
            "tell by grep, executable, pidfile or unit which they are"
            if managed.runs_here
            else f"nothing to kill: service '{managed.name}': {managed.whereabouts()}"
        )
    if managed.module.check_mode:
        return True, ["would kill " + ", ".join(str(each.pid) for each in victims)]
    proc.send(victims, signal.SIGKILL)
    managed.await_gone(victims)
    return True, ["Pacemaker starts it again when its monitor finds out"]


ACTIONS = {"start": start, "terminate": terminate, "restart": restart, "kill": kill}


def find(module: Module) -> Managed:
    """Return the resource of the options; if the service consists of units, end the module.

    Raises:
        Failed: this user can't act on it.
    """
    supervisor.doing(f"asking Pacemaker for resource '{module.params['resource']}'")
    cluster = cluster_of(module)
    if cluster is None:
        module.exit_json(changed=False, state="unknown", units=[], use_units=True, **NOBODY)
    if os.geteuid() != 0 and not module.check_mode:
        raise errors.Failed("resources of Pacemaker are acted on as root, and this task is not run as root; set become")
    return Managed(module, cluster)


NOBODY: Mapping[str, Sequence[str]] = {"nodes": [], "pids_before": [], "pids_after": [], "notes": []}


def cluster_of(module: Module) -> pacemaker.Cluster | None:
    """Return the cluster; None if it does not have the resource and the service consists of units."""
    try:
        cluster = pacemaker.ask(module.run_command)
    except errors.ClusterError:
        if module.params["or_units"]:
            return None
        raise
    return None if module.params["or_units"] and module.params["resource"] not in cluster.resources else cluster


def main() -> None:
    """Run the module."""
    module = Module(
        argument_spec={
            "name": {"type": "str", "required": True},
            "resource": {"type": "str", "required": True},
            "processes": {"type": "dict", "default": {}},
            "or_units": {"type": "list", "elements": "str", "default": []},
            **service_module.OPTIONS,
        },
        supports_check_mode=True,
    )
    module.run_command_environ_update = systemd.ENVIRONMENT
    service_module.run(module, find, ACTIONS)


if __name__ == "__main__":
    supervisor.run(main)
