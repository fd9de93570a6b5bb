"""The README's snippets, word for word: what each of them says happens to the hosts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostlab import readme
from hostlab.guest import Guest
from hostlab.machines import PIDFILE
from hostlab.observer import Host
from hostlab.readme import Interpreter
from hostlab.subject import issues_token, keystone
from hostlab.waiting import wait_for

CUT = 15
"""Seconds after which the network that the README cuts comes back; the README leaves it at half an hour."""

# The README's cloud, and the hosts which its snippets speak of.
CLOUD = f"""
destructor = os_faults.connect({{
    'cloud_management': {{
        'driver': 'devstack', 'address': 'devstack.local', 'username': 'root',
        'nodes': [
            {{'address': 'node-2.domain.tld', 'username': 'stack'}},
            {{'address': 'node-3.domain.tld', 'username': 'root'}},
        ],
    }},
    'heal_after': {CUT},
}})
service = destructor.get_service(name='keystone')
"""

# A service on machines that the README's hypervisor has.
GUESTS = f"""
destructor = os_faults.connect({{
    'cloud_management': {{
        'driver': 'universal', 'username': 'root', 'nodes': ['guest-1.domain.tld', 'guest-2.domain.tld'],
    }},
    'services': {{'memcached': {{'driver': 'process', 'pidfile': '{PIDFILE}', 'port': 11211}}}},
    'power_management': cloud_config['power_management'],
}})
service = destructor.get_service(name='memcached')
"""


def having(language: str, text: str) -> str:
    """Return the one snippet that has a text in it."""
    (found,) = (snippet for snippet in readme.snippets(language) if text in snippet)
    return found


@pytest.fixture
def start(lab: Any, tmp_path: Path) -> Iterator[list[str]]:
    with readme.private_ssh(lab, tmp_path) as start:
        yield start


def test_python(start: list[str], node_1: Host, node_2: Host, node_3: Host, guest_1: Guest, guest_2: Guest) -> None:
    snippets = readme.snippets("python")
    python = Interpreter(start)
    keystone_1 = keystone(node_1)
    done = []

    def run(text: str) -> str:
        done.append(having("python", text))
        return python.run(done[-1])

    try:
        with node_1.undone(within=60):
            run("destructor.verify()")

            old = keystone_1.processes()
            run("get_service(name='keystone')")
            assert not old & keystone_1.processes()

            boot = node_1.boot_id()
            run("nodes.reboot()")
            assert node_1.boot_id() != boot
            wait_for(lambda: issues_token(node_1), "keystone issues a token", 60)

            guests = {guest.fqdn: guest for guest in (guest_1, guest_2)}
            for name, guest in guests.items():
                guest.note(name)
            python.run(GUESTS)
            run("one.reset()")
            chosen = guests.pop(python.run("print(*one.get_fqdns())").strip())
            (other,) = guests.values()
            wait_for(chosen.answers, "its service is back", 120)
            assert chosen.noted() == ""
            assert other.noted() == other.fqdn

            python.run(CLOUD)
            run("disable_network(network_name='management')")
            for host in (node_2, node_3):
                assert not host.answers_ssh()
                assert host.over_storage.holds() == {"disable_network-management": "active"}
            assert node_1.answers_ssh()
            for host in (node_2, node_3):
                wait_for(host.answers_ssh, f"{host.name} is back", CUT + 15)

            old = keystone_1.processes()
            run("service.restart(service.get_nodes().pick())")
            assert not old & keystone_1.processes()
            wait_for(keystone_1.answers, "keystone answers", 60)

            run("service.freeze(sec=10)")
            assert keystone_1.frozen()

            listed = run("destructor.heal()")
            assert "freeze" in listed
            assert "keystone" in listed
            wait_for(keystone_1.answers, "keystone answers", 5)
            assert node_1.holds() == {}
    finally:
        python.close()
    assert done == snippets, "a snippet of the README was not run, or not in its place"


def test_shell(start: list[str], node_1: Host, tmp_path: Path) -> None:
    management = {"driver": "devstack", "address": "devstack.local", "username": "root"}
    (tmp_path / "os-faults.json").write_text(json.dumps({"cloud_management": management}), encoding="utf-8")
    subject = keystone(node_1)
    old = subject.processes()
    with node_1.undone(within=30):
        done = readme.shell(start, having("sh", "os-faults inject"), tmp_path)
        assert done.returncode == 0, done.stderr
        assert "freeze" in done.stdout, "the fault was not listed"
        assert not old & subject.processes()
        wait_for(subject.answers, "keystone answers", 5)
        assert node_1.holds() == {}


def test_sentences(start: list[str], node_1: Host, tmp_path: Path) -> None:
    management = {"driver": "devstack", "address": "devstack.local", "username": "root"}
    (tmp_path / "os-faults.json").write_text(json.dumps({"cloud_management": management}), encoding="utf-8")
    subject = keystone(node_1)
    old = subject.processes()
    with node_1.undone(within=30):
        done = readme.shell(start, having("sh", "os-inject-fault"), tmp_path)
        assert done.returncode == 0, done.stderr
        assert not old & subject.processes()
        assert subject.frozen()
        wait_for(subject.answers, "keystone goes on by itself", 20)


def test_ansible(start: list[str], node_1: Host, tmp_path: Path) -> None:
    ssh = "-o StrictHostKeyChecking=accept-new"
    (tmp_path / "inventory").write_text(
        f"node-1 ansible_host={node_1.address} ansible_user=root ansible_ssh_common_args='{ssh}'\n", encoding="utf-8"
    )
    subject = keystone(node_1)
    old = subject.processes()
    with node_1.undone(within=30):
        done = readme.shell(start, having("sh", "ansible-playbook"), tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert not old & subject.processes()
        wait_for(lambda: issues_token(node_1), "keystone issues a token", 60)
