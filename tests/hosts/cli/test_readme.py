"""The README's snippets, word for word: what each of them says happens to the hosts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostlab import readme, settings
from hostlab.guest import Guest
from hostlab.lab import Lab
from hostlab.observer import Host
from hostlab.readme import Interpreter
from hostlab.settings import Setting
from hostlab.stage import at_once
from hostlab.subject import issues_token, keystone, memcached
from hostlab.waiting import wait_for

CUT = 30
"""Seconds after which the network that the README cuts comes back; the README leaves it at half an hour."""


@pytest.fixture(scope="module", params=settings.KINDS)
def setting(request: pytest.FixtureRequest, lab: Lab, every_node: list[Host]) -> Iterator[Setting]:
    yield from settings.KINDS[request.param](every_node, [Host(lab, name) for name in ("guest-1", "guest-2")])


@pytest.fixture
def configured(setting: Setting, tmp_path: Path) -> Path:
    """A directory with the configuration that the command line finds there."""
    config = {"cloud_management": setting.first, "services": setting.services}
    (tmp_path / "os-faults.json").write_text(json.dumps(config), encoding="utf-8")
    return tmp_path


@pytest.fixture
def start(lab: Any, tmp_path: Path) -> Iterator[list[str]]:
    with readme.private_ssh(lab, tmp_path) as start:
        yield start


def test_python(setting: Setting, start: list[str], every_node: list[Host], guest_1: Guest, guest_2: Guest) -> None:
    node_1, *cut_off = every_node
    python = Interpreter(start)
    keystone_1 = keystone(node_1)
    done = []

    def run(text: str, instead: str = "") -> str:
        done.append(readme.having("python", text))
        return python.run(instead or done[-1])

    try:
        with node_1.undone(within=60):
            run("destructor.verify()", setting.first_snippet())

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
            setting.turn_to([guest_1.inside, guest_2.inside])
            python.run(setting.cloud_of_guests())
            run("one.reset()")
            chosen = guests.pop(python.run("print(*one.get_fqdns())").strip())
            (other,) = guests.values()
            wait_for(chosen.answers, "its service is back", 120)
            assert chosen.noted() == ""
            assert other.noted() == other.fqdn

            setting.turn_to(every_node)
            python.run(setting.cloud_of_hosts(CUT))
            run("disable_network(network_name='management')")
            assert at_once(Host.answers_ssh, cut_off) == [False, False]
            for held in at_once(lambda host: host.over_storage.holds(), cut_off):
                assert held == {"disable_network-management": "active"}
            assert node_1.answers_ssh()
            for host in cut_off:
                wait_for(host.answers_ssh, f"{host.name} is back", CUT + 15)

            old = keystone_1.processes()
            run("service.restart(service.get_nodes().pick())")
            assert not old & keystone_1.processes()
            wait_for(keystone_1.answers, "keystone answers", 60)

            old, cache = keystone_1.processes(), memcached(node_1)
            old_cache = cache.processes()
            run("destructor.together()")
            assert not old & keystone_1.processes()
            assert not old_cache & cache.processes()
            for subject in (keystone_1, cache):
                wait_for(subject.answers, f"{subject.service} answers", 60)

            run("service.freeze(sec=10)")
            assert keystone_1.frozen()
            python.run("service.freeze(sec=60)")  # a busy machine may be slower to list it than it is to end

            listed = run("destructor.heal()")
            assert "freeze" in listed
            assert "keystone" in listed
            wait_for(keystone_1.answers, "keystone answers", 5)
            assert node_1.holds() == {}
    finally:
        python.close()
    assert done == readme.snippets("python"), "a snippet of the README was not run, or not in its place"


def test_shell(start: list[str], node_1: Host, configured: Path) -> None:
    subject = keystone(node_1)
    old = subject.processes()
    with node_1.undone(within=30):
        done = readme.shell(start, readme.having("sh", "os-faults inject"), configured)
        assert done.returncode == 0, done.stderr
        assert "freeze" in done.stdout, "the fault was not listed"
        assert not old & subject.processes()
        wait_for(subject.answers, "keystone answers", 5)
        assert node_1.holds() == {}


def test_sentences(start: list[str], node_1: Host, configured: Path) -> None:
    subject = keystone(node_1)
    old = subject.processes()
    with node_1.undone(within=30):
        done = readme.shell(start, readme.having("sh", "os-inject-fault"), configured)
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
        done = readme.shell(start, readme.having("sh", "ansible-playbook"), tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert not old & subject.processes()
        wait_for(lambda: issues_token(node_1), "keystone issues a token", 60)
