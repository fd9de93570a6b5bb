"""An honest host and a lying one behind a runner whose answers come as ansible-runner reports them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from os_faults import Cloud
from os_faults.actions.template_marks import marked
from os_faults.ansible.events import with_events
from os_faults.config import load
from os_faults.model import Action, Result
from os_faults.testing import FakeRunner

GOOD, EVIL = "good", "evil"
CONFIG: Mapping[str, Any] = {
    "cloud_management": {"driver": "devstack", "address": "10.0.0.2", "username": "root"},
    "node_discover": {
        "driver": "node_list",
        "args": [
            {"ip": "10.0.0.2", "fqdn": GOOD, "mac": "52:54:00:00:00:02"},
            {"ip": "10.0.0.3", "fqdn": EVIL, "mac": "52:54:00:00:00:03"},
        ],
    },
    "power_management": {"driver": "libvirt", "connection_uri": "test:///default"},
    "containers": {"web": {"driver": "podman"}},
}
NOW = 1_790_000_000.0
HOLD = {
    "id": "freeze-keystone",
    "fault": "freeze",
    "subject": "keystone",
    "state": "injected",
    "since": NOW,
    "until": NOW + 4e9,
    "by": "somebody@else",
    "carrier": "systemd",
    "guarded": True,
    "directory": "/run/os-faults/freeze-keystone",
    "undo_log": "",
}
#: What a host answers that tells the truth: module → answer. The holds are those of somebody else.
HONEST: Mapping[str, Mapping[str, Any]] = {
    "osf_node_info": {
        "node": {
            "fqdn": "node",
            "hostname": "node",
            "addresses": ["10.0.0.9"],
            "interfaces": [{"name": "eth0", "mac": "52:54:00:00:00:01", "addresses": ["10.0.0.9"]}],
            "default_interface": "eth0",
            "boot_id": "b1",
            "python": "3.11.2",
            "systemd": 252,
            "virtualization": None,
            "euid": 0,
        },
        "services": {"keystone": {"units": ["devstack@keystone.service"], "active": True}},
        "containers": {"web": {"engine": "podman", "active": True}},
        "claims": [{name: HOLD[name] for name in ("fault", "subject", "by", "since")} | {"until": NOW + 10}],
        "notes": ["a note"],
        "changed": False,
    },
    "osf_holds_info": {"now": NOW, "holds": [HOLD], "notes": [], "changed": False},
    "osf_heal": {"undone": ["freeze-keystone"], "failed_holds": [], "notes": [], "changed": True},
    "osf_systemd_service": {
        "state": "active",
        "units": ["devstack@keystone.service"],
        "pids_before": [1],
        "pids_after": [2],
        "notes": [],
        "changed": True,
    },
    "osf_hold": {
        "id": "freeze-keystone",
        "fault": "freeze",
        "subject": "keystone",
        "state": "injected",
        "since": NOW,
        "until": NOW + 30,
        "extended": False,
        "cuts_path": False,
        "notes": [],
        "facts": {},
        "changed": True,
    },
    "osf_container": {
        "state": "active",
        "status": "running",
        "units": ["kolla-web-container.service"],
        "pids_before": [1],
        "pids_after": [2],
        "notes": [],
        "changed": True,
    },
    "osf_reboot": {"boot_id_before": "b1", "boot_id_after": "b2", "seconds": 21, "changed": True},
    "osf_libvirt_power": {"previous_state": "on", "power_state": "off", "waited": 0.1, "changed": True},
}
MODULE_OF: Mapping[str, str] = {
    "discover_devstack.yml": "osf_node_info",
    "verify.yml": "osf_node_info",
    "faults.yml": "osf_holds_info",
    "heal.yml": "osf_heal",
    "service_state.yml": "osf_systemd_service",
    "service_freeze.yml": "osf_hold",
    "container_state.yml": "osf_container",
    "node_reboot.yml": "osf_reboot",
    "node_power.yml": "osf_libvirt_power",
    "node_power_state.yml": "osf_libvirt_power",
}
Lie = Callable[[Any], Any]


class LyingRunner(FakeRunner):
    """Reports what the two hosts answer as events, and refuses any template that is to be run.

    Attributes:
        lies: module → what the lying host makes of the honest answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lies: dict[str, Lie] = {}

    def run(self, action: Action, inventory: Mapping[str, Any], watch: Any = None) -> Result:
        self.performed.append(action)
        for part in action.parts or (action,):
            assert not list(marked(dict(part.variables), str(part)))
        assert not list(marked(dict(inventory), "inventory"))
        return with_events(Result(action, {}), list(self._events(action)))

    def _events(self, action: Action) -> Iterator[dict[str, Any]]:
        run = {"playbook_uuid": "a run"}
        yield {"event": "playbook_on_start", "event_data": run}
        for part in action.parts or (action,):
            yield {"event": "playbook_on_play_start", "event_data": run}
            for node in part.nodes:
                module = MODULE_OF[part.playbook]
                answer: Any = copy.deepcopy(HONEST[module])
                if node.fqdn == EVIL and module in self.lies:
                    answer = self.lies[module](answer)
                data = {**run, "host": node.fqdn, "task_action": module, "task": "t", "res": answer}
                yield {"event": "runner_on_ok", "event_data": data}
        names = {node.fqdn: 1 for node in action.nodes}
        yield {"event": "playbook_on_stats", "event_data": {**run, "ok": names, "processed": names}}


def cloud_of(runner: LyingRunner, state: Path | None = None) -> Cloud:
    """Return the cloud of the two hosts, which remembers nothing without a directory of its state."""
    return Cloud(load(dict(CONFIG)), runner=runner, seed=7, state=state)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each value in an answer, the containers too."""
    if path:
        yield path
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def put(path: tuple[Any, ...], value: Any) -> Lie:
    """Return the lie that has another value at a path."""

    def lie(answer: Any) -> Any:
        place = answer
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        return answer

    return lie


def added(path: tuple[Any, ...], key: str = "node") -> Lie:
    """Return the lie that has one key more in a mapping; what is no mapping stays as it is."""

    def lie(answer: Any) -> Any:
        place = answer
        for step in path:
            place = place[step]
        if isinstance(place, dict):
            place[key] = "more"
        return answer

    return lie


def without(path: tuple[Any, ...]) -> Lie:
    """Return the lie that leaves something out."""

    def lie(answer: Any) -> Any:
        place = answer
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]
        return answer

    return lie
