"""A controller with what Debian itself has: its Python, Ansible, ansible-runner and libraries, and nothing of PyPI."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostlab.lab import Lab
from hostlab.observer import Host
from hostlab.subject import memcached

from os_faults import resources

HOME = "/root/controller"
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library as it is installed."""
    directory = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (path,) = directory.iterdir()
    return path


@pytest.fixture(scope="module", params=["matrix-13", "matrix-sid"])
def controller(request: pytest.FixtureRequest, lab: Lab, wheel: Path, node_3: Host) -> Iterator[Host]:
    """A host with the library, and with a configuration of the cloud of one node."""
    host = Host(lab, request.param)
    login = {"username": "root", "private_key_file": f"{HOME}/key"}
    node = {"ip": node_3.address, "fqdn": node_3.fqdn, "mac": node_3.mac, "auth": login}
    config = {
        "cloud_management": {"driver": "universal"},
        "node_discover": {"driver": "node_list", "args": [node]},
        "services": {"memcached": {"driver": "systemd", "units": ["memcached.service"]}},
        "ssh": {"host_key_policy": "strict", "known_hosts": f"{HOME}/known_hosts"},
    }
    files = {
        "wheel": wheel.read_bytes(),
        "key": Path(lab.key).read_bytes(),
        "known_hosts": Path(lab.known_hosts).read_bytes(),
        "os-faults.json": json.dumps(config).encode(),
    }
    host.sh(f"rm -rf {HOME}; mkdir -m 700 {HOME}")
    for name, content in files.items():
        write = f"umask 077; cat >{HOME}/{name}"
        subprocess.run(host.command("sh", "-c", write), input=content, check=True, timeout=60)
    host.sh(f"cd {HOME} && python3 -m zipfile -e wheel library")
    yield host
    host.sh(f"rm -rf {HOME} /root/.cache/os-faults /root/.local/state/os-faults /root/.ansible")


def shell(host: Host, command: str) -> str:
    """Run a line there as a person would, and return what it prints."""
    return host.sh(f"cd {HOME} && export PYTHONPATH={HOME}/library LC_ALL=C.UTF-8; {command}", within=180)


def os_faults(host: Host, *words: str) -> str:
    """Run the command line of the library there."""
    return shell(host, f"python3 -c 'from os_faults.cli import main; main()' {shlex.join(words)}")


def test_the_command_line(controller: Host, node_3: Host) -> None:
    subject = memcached(node_3)
    with node_3.undone(within=30):
        assert node_3.fqdn in os_faults(controller, "verify")
        os_faults(controller, "inject", "freeze", "memcached", "--heal-after", "600")
        assert subject.frozen()
        assert "freeze" in os_faults(controller, "faults")
        os_faults(controller, "heal")
        assert subject.answers()
        old = subject.processes()
        os_faults(controller, "inject", "restart", "memcached")
        assert not old & subject.processes()


def test_the_playbooks_by_ansible_alone(controller: Host, node_3: Host) -> None:
    subject = memcached(node_3)
    play = f"ansible-playbook -i inventory.json -l {node_3.fqdn}"
    there = f"{HOME}/library/os_faults/{resources.playbooks_dir().name}"
    inventory = os_faults(controller, "inventory")
    controller.sh(f"cat >{HOME}/inventory.json <<'END'\n{inventory}\nEND\n")
    with node_3.undone(within=30):
        said = shell(
            controller, f"{play} -e service=memcached -e service_action=freeze {there}/service_freeze.yml 2>&1"
        )
        assert subject.frozen(), said
        assert "[WARNING]" not in said
        assert "DEPRECAT" not in said
        shell(controller, f"{play} {there}/heal.yml")
        assert subject.answers()
