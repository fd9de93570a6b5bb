"""osf_container: what it makes of an engine's answers."""

from __future__ import annotations

import doctest
import json
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.service import containers, ports
from support.containers import new_name
from support.module_files import load

pytestmark = pytest.mark.functional

MODULE = load("osf_container")
LABEL = {"PODMAN_SYSTEMD_UNIT": "container-web.service"}


def engine(names: dict[str, str], inspected: dict[str, dict[str, Any]]) -> Any:
    """Return how commands are run where an engine has these containers."""

    def run(command: list[str]) -> tuple[int, str, str]:
        if command[1] == "ps":
            shown = [name for name, state in names.items() if "--all" in command or state == "running"]
            return 0, "".join(f"{name}\n" for name in shown), ""
        about = inspected.get(command[-1])
        return (0, json.dumps([about]), "") if about else (125, "[]", "no such container")

    return run


@pytest.mark.each_line
def test_the_examples_of_the_docstrings():
    assert doctest.testmod(containers).failed == 0


def test_docker_and_podman_tell_the_same():
    docker = {
        "Name": "/web",
        "State": {"Status": "running", "Pid": 7, "StartedAt": "x"},
        "HostConfig": {"RestartPolicy": {"Name": "always"}},
        "Config": {"Labels": None},
    }
    podman = {
        "Name": "web",
        "State": {"Status": "exited", "Pid": 0},
        "HostConfig": {"RestartPolicy": {"Name": ""}},
        "Config": {"Labels": LABEL},
    }
    one, two = (containers.parse(json.dumps([each]), "x") for each in (docker, podman))
    assert (one.name, one.runs, one.pid, one.policy, one.unit) == ("web", True, 7, "always", None)
    assert (two.name, two.runs, two.pids, two.policy, two.unit) == ("web", False, [], "no", "container-web.service")


@pytest.mark.case("f04")
def test_what_an_engine_publishes_is_where_the_host_is_cut():
    everywhere = [{"HostIp": address, "HostPort": "8080"} for address in ("0.0.0.0", "::", "")]
    forwarded = {
        "80/tcp": everywhere,
        "53/udp": [{"HostIp": "10.0.0.1", "HostPort": "5353"}],
        "81/tcp": None,
        "9/sctp": [{"HostIp": "", "HostPort": "9"}],
    }
    about = {"Name": "/web", "State": {"Status": "running", "Pid": 7}, "NetworkSettings": {"Ports": forwarded}}
    container = containers.parse(json.dumps([about]), "docker")
    assert {port.target for port in ports.published(container.ports)} == {"port=tcp/8080", "port=udp/5353/10.0.0.1"}


@pytest.mark.case("D31")
def test_only_the_exact_name_counts(monkeypatch):
    monkeypatch.setattr(containers.shutil, "which", lambda name: name if name == "docker" else None)
    run = engine({"nova_api": "running", "web": "exited"}, {"4f": {"Name": "/web"}, "web": {"Name": "/web"}})
    assert containers.find(run, "web").engine == "docker"
    for wrong in ("nova", "4f"):
        with pytest.raises(errors.ContainerError, match=f"no container '{wrong}' on this host; there are: nova"):
            containers.find(run, wrong)
    wanted = {
        "nova": {"container": "nova", "engine": "docker"},
        "api": {"container": "nova_api", "engine": "auto"},
        "web": {"container": "web", "engine": "docker"},
        "other": {"container": "web", "engine": "podman"},
    }
    assert containers.on_host(run, wanted, []) == {
        "api": {"engine": "docker", "active": True},
        "web": {"engine": "docker", "active": False},
    }


def test_an_engine_that_does_not_answer_is_named_beside_what_the_others_have(monkeypatch):
    monkeypatch.setattr(containers.shutil, "which", lambda name: name)
    docker = engine({"web": "running"}, {"web": {"Name": "/web"}})

    def run(command: list[str]) -> tuple[int, str, str]:
        return (125, "", "Error: its database is newer\n") if command[0] == "podman" else docker(command)

    assert containers.find(run, "web").engine == "docker"
    why = "no container 'nova' on this host; there are: web; podman does not answer: Error: its database is newer"
    with pytest.raises(errors.ContainerError, match=why):
        containers.find(run, "nova")


class Host:
    """A host with a container that a unit runs, and another unit that is bound to that unit; all are up.

    Attributes:
        up: the units that are up.
    """

    def __init__(self) -> None:
        self.name = new_name()
        self.unit, self.bound = f"kolla-{self.name}-container.service", f"{self.name}-watch.service"
        self.up = {self.unit, self.bound}

    def run_command(self, command: list[str]) -> tuple[int, str, str]:
        words = command[2:] if command[0] == "timeout" else command
        if words[0] == "docker":
            state = (
                {"Status": "running", "Pid": 2**22 + 1, "StartedAt": "now"}
                if self.unit in self.up
                else {"Status": "exited"}
            )
            return 0, json.dumps([{"Name": f"/{self.name}", "State": state}]), ""
        verb, units = words[2], words[words.index("--") + 1 :]
        if verb == "start":
            self.up.update(units)
        if verb == "stop":
            self.up.difference_update(units, [self.bound] if self.unit in units else [])
        return 0, "\n".join(map(self.shown, units)) if verb == "show" else "", ""

    def shown(self, unit: str) -> str:
        """Return what ``systemctl show`` says of a unit."""
        facts = {
            "Id": unit,
            "LoadState": "loaded" if unit in (self.unit, self.bound) else "not-found",
            "ActiveState": "active" if unit in self.up else "inactive",
            "BoundBy": self.bound if unit == self.unit else "",
        }
        return "".join(f"{key}={value}\n" for key, value in facts.items())

    def do(self, action: str, check: bool = False) -> tuple[bool, list[str]]:
        """Return what the module makes of an action: whether there was a change, and its notes."""
        params = {"container": self.name, "engine": "docker", "subject": self.name, "timeout": 5, "by": "me"}
        module = SimpleNamespace(params=params, check_mode=check, run_command=self.run_command)
        changed, notes = MODULE.ACTIONS[action](MODULE.Target(module))
        return changed, notes


@pytest.fixture
def host(runtime_directory, monkeypatch) -> Any:
    monkeypatch.setattr(containers.shutil, "which", lambda name: name)
    monkeypatch.setattr(containers.systemd, "booted", lambda: True)
    host = Host()
    yield host
    host.do("start")


def test_what_systemd_stopped_with_a_container_is_started_and_told(host):
    assert host.do("terminate")[0]
    assert host.up == set()
    both = f"would start {host.name}, {host.bound}"
    assert host.do("start", check=True) == (True, [both])
    assert host.do("restart", check=True)[1] == [f"would restart {host.name}", f"would start {host.bound}"]
    assert host.up == set()
    assert host.do("start") == (True, [])
    assert host.up == {host.unit, host.bound}
    assert host.do("start") == host.do("start", check=True) == (False, [])


def test_a_start_of_what_systemd_stopped_with_a_running_container_is_a_change(host):
    host.do("terminate")
    host.up.add(host.unit)  # by somebody else
    assert host.do("start", check=True) == (True, [f"would start {host.bound}"])
    assert host.do("start") == (True, [])
    assert host.up == {host.unit, host.bound}
