"""osf_container: what it makes of an engine's answers."""

from __future__ import annotations

import doctest
import json
from typing import Any

import pytest
from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.service import containers

pytestmark = pytest.mark.functional

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
    ports = {
        "80/tcp": everywhere,
        "53/udp": [{"HostIp": "10.0.0.1", "HostPort": "5353"}],
        "81/tcp": None,
        "9/sctp": [{"HostIp": "", "HostPort": "9"}],
    }
    about = {"Name": "/web", "State": {"Status": "running", "Pid": 7}, "NetworkSettings": {"Ports": ports}}
    container = containers.parse(json.dumps([about]), "docker")
    assert {port.target for port in container.published} == {"port=tcp/8080", "port=udp/5353/10.0.0.1"}


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
