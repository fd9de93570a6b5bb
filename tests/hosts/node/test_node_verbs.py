"""The node verbs that do not touch the network: reboot, oom, stress, run_task."""

from __future__ import annotations

import subprocess
import threading
import time
from dataclasses import dataclass

import pytest
from hostlab.evidence import Evidence
from hostlab.memory import oom_kills
from hostlab.observer import Host
from hostlab.subject import memcached, mysql
from hostlab.waiting import wait_for

from os_faults import ArgumentError, Cloud, Result


@pytest.mark.case("F18")
def test_reboot_waits_for_a_new_boot(cloud: Cloud, node_2: Host, node_3: Host, evidence: Evidence) -> None:
    hosts = [node_2, node_3]
    nodes = cloud.get_nodes(fqdns=[host.fqdn for host in hosts])
    before = {host.name: host.boot_id() for host in hosts}
    states = {host.name: host.fingerprint() for host in hosts}
    began = time.monotonic()
    result = nodes.reboot()
    took = time.monotonic() - began
    for host in hosts:
        assert host.boot_id() != before[host.name]
        assert result[host.fqdn].payload["boot_id_before"] == before[host.name]
    wait_for(lambda: mysql(node_2).answers() and memcached(node_3).answers(), "the services are back", 60)
    for host in hosts:
        host.await_fingerprint(states[host.name], within=30)
    assert cloud.get_service("memcached").restart(nodes).changed, "verbs work after a reboot"
    evidence.seen("reboot", f"new boot ids of two nodes, back after {took:.0f} s")
    evidence.undone("reboot", "services, rules, links and routes as before")


def test_reboot_without_waiting(cloud: Cloud, node_3: Host) -> None:
    nodes = cloud.get_nodes(fqdns=[node_3.fqdn])
    before = node_3.boot_id()
    began = time.monotonic()
    nodes.reboot(wait=False)
    assert time.monotonic() - began < 10
    wait_for(lambda: not node_3.answers_ssh(), "the host goes down", 20, pause=0.02)
    wait_for(node_3.answers_ssh, "the host is back", 60)
    assert node_3.boot_id() != before
    assert cloud.get_service("memcached").restart(nodes).changed, "a connection of before does not hang the next verb"


def test_oom(cloud: Cloud, node_3: Host, evidence: Evidence) -> None:
    nodes = cloud.get_nodes(fqdns=[node_3.fqdn])
    kills, sshd, boot = oom_kills(node_3), node_3.processes("ssh.service"), node_3.boot_id()
    with node_3.undone():
        nodes.oom(duration=30)
        grown = oom_kills(node_3) - kills
        assert grown > 0
        assert node_3.processes("ssh.service") == sshd
        assert node_3.boot_id() == boot
    assert memcached(node_3).answers()
    evidence.seen("oom", f"the kernel's OOM killer acted ({grown} kills), sshd is the same process")
    evidence.undone("oom", "nothing of it runs, host as before")


def test_end_of_an_oom(cloud: Cloud, node_3: Host, evidence: Evidence) -> None:
    """The process that fills the memory is held still, so that there is something to end."""
    nodes = cloud.get_nodes(fqdns=[node_3.fqdn])
    kills = oom_kills(node_3)
    eater = "'^[^ ]*python[^ ]* .*eat_memory'"
    hold_still = f"n=0; until pkill -STOP -f {eater}; do n=$((n + 1)); [ $n -lt 2000 ] || exit 1; sleep 0.01; done"
    results: list[Result] = []
    with node_3.undone():
        helper = subprocess.Popen([*node_3.argv, hold_still])
        filling = threading.Thread(target=lambda: results.append(nodes.oom(duration=60, check=False)))
        filling.start()
        assert helper.wait(timeout=40) == 0, "nothing filled the memory"
        assert node_3.sh(f"pgrep -f {eater}")
        assert nodes.end_oom().changed
        assert not node_3.sh(f"pgrep -f {eater}; true")
        filling.join(timeout=30)
        assert not filling.is_alive(), "oom does not notice that it was ended"
        assert not nodes.end_oom().changed
    assert not results[0][node_3.fqdn].ok
    assert oom_kills(node_3) == kills
    evidence.seen("end_oom", "the process that filled the memory is gone, the kernel killed nothing")
    evidence.undone("end_oom", "unit and record gone, host as before")


@dataclass(frozen=True)
class Load:
    """What the processes of stress-ng on a host have used up to now."""

    processes: int
    cpu_seconds: float
    memory_bytes: int
    written_bytes: int


def load_of(host: Host, unit: str) -> Load:
    """Return what the processes of stress-ng use; all of them must be in the control group of the unit."""
    rows = host.sh(
        "for pid in $(pgrep stress-ng); do"
        f" if grep -q '/{unit}$' /proc/$pid/cgroup; then cat /proc/$pid/stat; else echo 'stray) '; fi;"
        " sed -n 's/^wchar: /wchar /p' /proc/$pid/io; done 2>/dev/null; true"
    ).splitlines()
    assert not any(row.startswith("stray") for row in rows), f"stress-ng runs outside of {unit}"
    stats = [row.rpartition(") ")[2].split() for row in rows if not row.startswith("wchar")]
    return Load(
        processes=len(stats),
        cpu_seconds=sum(int(stat[11]) + int(stat[12]) for stat in stats) / 100,
        memory_bytes=sum(int(stat[21]) for stat in stats) * 4096,
        written_bytes=sum(int(row.split()[1]) for row in rows if row.startswith("wchar")),
    )


def is_effect(target: str, before: Load, now: Load) -> bool:
    """Whether the use has grown as the target says."""
    return {
        "cpu": now.cpu_seconds - before.cpu_seconds > 0.5,
        "kernel": now.cpu_seconds - before.cpu_seconds > 0.5,
        "memory": now.memory_bytes > 100e6,
        "disk": now.written_bytes - before.written_bytes > 20e6,
        "all": now.cpu_seconds - before.cpu_seconds > 0.5 and now.memory_bytes > 50e6 and now.written_bytes > 20e6,
    }[target]


@pytest.mark.parametrize("target", ["cpu", "memory", "disk", "kernel", "all"])
def test_stress(cloud: Cloud, node_2: Host, node_3: Host, target: str, evidence: Evidence) -> None:
    host = node_2 if target in ("cpu", "disk") else node_3
    nodes = cloud.get_nodes(fqdns=[host.fqdn])
    unit = f"os-faults-stress-{target}-load.service"
    with host.undone():
        nodes.stress(target, duration=60)
        first = load_of(host, unit)
        assert first.processes > 1
        wait_for(lambda: is_effect(target, first, load_of(host, unit)), f"{target} is under load", 15)
        assert nodes.end_stress(target).changed
        assert load_of(host, unit).processes == 0
    evidence.seen("stress", f"{target}: its use grew, by {first.processes} processes in the fault's own unit")
    evidence.undone("stress", "by end_stress; host as before")
    evidence.seen("end_stress", f"{target}: no process of stress-ng is left")
    evidence.undone("end_stress", "unit and record gone, host as before")


def test_unknown_stress_touches_nothing(cloud: Cloud, node_3: Host) -> None:
    with node_3.undone(), pytest.raises(ArgumentError, match="cpu, memory, disk, kernel, all"):
        cloud.get_nodes(fqdns=[node_3.fqdn]).stress("cpus")


def test_run_task(cloud: Cloud, node_2: Host, node_3: Host) -> None:
    nodes = cloud.get_nodes(fqdns=[node_2.fqdn, node_3.fqdn])
    path = "/root/from os_faults; it's a task"
    content = "{{ not_a_template }} $HOME"
    nodes.run_task({"ansible.builtin.copy": {"dest": path, "content": "{% raw %}" + content + "{% endraw %}"}})
    try:
        for host in (node_2, node_3):
            assert host.sh(f'cat "{path}"') == content
    finally:
        nodes.run_task({"ansible.builtin.file": {"path": path, "state": "absent"}})
    for host in (node_2, node_3):
        assert host.sh(f'ls "{path}" 2>/dev/null; true') == ""
    result = nodes.run_task({"ansible.builtin.command": {"argv": ["hostname", "-f"]}})
    assert {name: result[name].stdout for name in result} == {name: name for name in nodes.get_fqdns()}
