"""Facts in the answer of a host, in a run of bare ansible-playbook: they become variables, and steer nothing of ours.

A run of os_faults itself makes no variables of facts (``inject_facts_as_vars``); in that of a user his own
``ansible.cfg`` rules. The host that lies is the first, so that what is done once for all is done with its variables.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.held_service import Service
from support.libvirt_domains import domain, hypervisor
from support.lying_host import Liar

from os_faults import resources

pytestmark = pytest.mark.functional

PATH = (str(Path(sys.executable).parent), "/usr/sbin", "/usr/bin", "/sbin", "/bin")


@dataclass
class Trap:
    """Files of the controller that a host would like to be used, and whether one was."""

    folder: Path

    @property
    def sprung(self) -> bool:
        return (self.folder / "sprung").exists()

    def from_playbooks(self, name: str) -> str:
        """Return the path of a file, without its ending, as it is seen from a directory of the playbooks."""
        up = "../" * (len(Path(resources.playbooks_dir()).parts) + 3)
        return f"{up}{str(self.folder)[1:]}/{name}"


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    trap = Trap(tmp_path / "trap")
    trap.folder.mkdir()
    touch = f"touch {trap.folder / 'sprung'}"
    look_up = f"lookup('ansible.builtin.pipe', '{touch}')"
    (trap.folder / "catalogue.yml").write_text(json.dumps({"os_faults_catalogue": f"{{{{ {{'x': {look_up}}} }}}}"}))
    (trap.folder / "tasks.yml").write_text(json.dumps([{"ansible.builtin.debug": {"msg": f"{{{{ {look_up} }}}}"}}]))
    (trap.folder / "program").write_text(f"#!/bin/sh\n{touch}\n")
    (trap.folder / "program").chmod(0o700)
    return trap


@pytest.fixture
def site(tmp_path: Path, service: Service) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run playbooks of ours one after the other, as the playbook of a user does.

    The first host answers everything with the facts that are told; the second one is honest.
    """

    def run(
        facts: Mapping[str, Any],
        *playbooks: Mapping[str, Any],
        inventory: Mapping[str, Any] | None = None,
        **answer: Any,
    ) -> subprocess.CompletedProcess[str]:
        liar = Liar(tmp_path / "a-liar")
        liar.lies(any={"put": [[[key], value] for key, value in {"ansible_facts": dict(facts), **answer}.items()]})
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        hosts = {"a-liar": {**local, "ansible_python_interpreter": str(liar.python)}, "good": local}
        everything = {"all": {"hosts": hosts, "vars": {**service.inventory, **(inventory or {})}}}
        (tmp_path / "inventory.json").write_text(json.dumps(everything))
        (tmp_path / "site.yml").write_text(json.dumps(list(playbooks)))
        command = ["ansible-playbook", "-i", str(tmp_path / "inventory.json"), "-l", "all", str(tmp_path / "site.yml")]
        keep = {name: os.environ[name] for name in ("HOME", "XDG_RUNTIME_DIR") if name in os.environ}
        beside = {
            f"ANSIBLE_{name}": str(resources.playbooks_dir() / folder)
            for name, folder in {
                "ACTION_PLUGINS": "action_plugins",
                "LIBRARY": "library",
                "MODULE_UTILS": "module_utils",
            }.items()
        }  # for the plays that are not ours
        env = {"PATH": ":".join(PATH), "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1", **beside, **keep}
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)

    return run


def ours(playbook: str, **arguments: Any) -> dict[str, Any]:
    return {"ansible.builtin.import_playbook": str(resources.playbook(playbook)), "vars": arguments}


LOOK = ours("verify.yml")
"""A first play in which the host answers."""


def recap(done: subprocess.CompletedProcess[str], host: str) -> dict[str, int]:
    """Return how many tasks of a host ended how."""
    line = next(line for line in reversed(done.stdout.splitlines()) if line.split(":")[0].strip() == host)
    return {key: int(count) for key, count in (word.split("=") for word in line.split(":")[1].split())}


def test_no_catalogue_of_elsewhere_is_loaded(site: Any, trap: Trap, service: Service) -> None:
    verb = ours("service_freeze.yml", service=service.name, service_action="unfreeze")
    done = site({"os_faults_cloud": trap.from_playbooks("catalogue")}, LOOK, verb)
    assert not trap.sprung
    assert (recap(done, "good")["failed"], recap(done, "a-liar")["failed"]) == (0, 1)
    assert REFUSED.format("os_faults_cloud") in done.stdout


REFUSED = "this host has reported facts that pass for variables of os_faults or of a connection: {}"


def test_no_tasks_of_elsewhere_are_done(site: Any, trap: Trap, tmp_path: Path) -> None:
    lie = {"os_faults_services": {"app": {"driver": trap.from_playbooks("tasks"), "pidfile": "/x"}}}
    with subprocess.Popen(["sleep", "600"]) as process:
        (tmp_path / "app.pid").write_text(f"{process.pid}\n")
        services = {"app": {"driver": "process", "pidfile": str(tmp_path / "app.pid")}}
        verb = ours("service_state.yml", service="app", service_action="kill")
        done = site(lie, LOOK, verb, inventory={"os_faults_services": services})
        assert process.wait(10) == -9
    assert not trap.sprung
    assert (recap(done, "good")["failed"], recap(done, "a-liar")["failed"]) == (0, 1)
    assert REFUSED.format("os_faults_services") in done.stdout


def test_a_driver_is_none_but_one_of_ours(site: Any, trap: Trap, service: Service) -> None:
    """Also where it comes into the inventory in another way than by a fact."""
    services = {"app": {"driver": trap.from_playbooks("tasks"), "pidfile": "/x"}}
    verb = ours("service_state.yml", service="app", service_action="kill")
    done = site({}, verb, inventory={"os_faults_services": services})
    assert not trap.sprung
    assert (recap(done, "good")["failed"], recap(done, "a-liar")["failed"]) == (1, 1)


def test_no_machine_of_another_is_acted_on(site: Any, trap: Trap, tmp_path: Path) -> None:
    lie = {"driver": "libvirt", "uri": f"test+ext:///default?command={trap.folder / 'program'}", "domain": "x"}
    uri = hypervisor(tmp_path, domain(1, "vm", "52:54:00:00:00:01"))
    inventory = {"os_faults_power": {"driver": "libvirt", "uri": uri, "domain": "vm"}}
    done = site({"os_faults_power": lie}, LOOK, ours("node_power_state.yml"), inventory=inventory)
    assert not trap.sprung
    assert (recap(done, "good")["failed"], recap(done, "a-liar")["failed"]) == (0, 1)
    assert REFUSED.format("os_faults_power") in done.stdout


@pytest.mark.parametrize("name", ["at", "seconds", "ansible_control_path", "ansible_private_key_file"])
def test_no_option_and_no_connection_is_told_by_a_host(site: Any, service: Service, name: str) -> None:
    """An `at` of the first host would be the start time of all; with the path of a socket another host is reached."""
    done = site({name: 5}, LOOK, ours("service_freeze.yml", service=service.name, service_action="unfreeze"))
    assert (recap(done, "good")["ok"] > 4, recap(done, "a-liar")["failed"]) == (True, 1), done.stdout
    assert REFUSED.format(name.removeprefix("ansible_")) in done.stdout


def test_facts_that_are_none_of_ours_are_no_reason(site: Any, service: Service) -> None:
    gather = {"hosts": "all", "gather_facts": True, "tasks": []}
    done = site({"colour": "red"}, gather, ours("service_freeze.yml", service=service.name, service_action="unfreeze"))
    assert (recap(done, "good")["failed"], recap(done, "a-liar")["failed"]) == (0, 0), done.stdout


TELL = {
    "hosts": "a-liar",
    "gather_facts": False,
    "tasks": [{"ansible.builtin.debug": {"msg": "kept: {{ ansible_facts | default({}) }}"}}],
}


@pytest.mark.parametrize(
    "first",
    [
        pytest.param({"osf_pacemaker_service": {"name": "x", "resource": "p_x", "action": "kill"}}, id="pacemaker"),
        pytest.param({"osf_reboot": {"phase": "look"}}, id="reboot"),
        pytest.param({"osf_hold": {"state": "absent", "fault": "freeze", "subject": "x"}}, id="hold"),
        pytest.param({"osf_answer": {"timeout": 0}}, id="answer"),
    ],
)
def test_a_module_after_which_the_same_play_goes_on_tells_no_facts(site: Any, first: dict[str, Any]) -> None:
    """Of these a play asks the host more than once, with no look at its facts between."""
    play = {"hosts": "a-liar", "gather_facts": False, "tasks": [first]}
    done = site({"os_faults_power": "a lie"}, play, TELL, failed=False)
    assert (recap(done, "a-liar")["failed"], recap(done, "a-liar")["ok"]) == (0, 2), done.stdout
    assert '"kept: {}"' in done.stdout


def test_a_catalogue_that_is_not_here_is_told(site: Any, service: Service) -> None:
    verb = ours("service_freeze.yml", service=service.name, service_action="unfreeze")
    done = site({}, verb, inventory={"os_faults_cloud": "../../etc"})
    assert "there is no catalogue of that name here (os_faults_cloud): catalogue/../../etc.yml" in done.stdout
