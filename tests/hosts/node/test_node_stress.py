"""A node under load: what is used more, and that nothing of it is left."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hostlab.ended import assert_ended_by
from hostlab.evidence import Evidence
from hostlab.observer import Host
from hostlab.waiting import wait_for

from os_faults import ArgumentError, Cloud


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


@pytest.mark.case("f08")
@pytest.mark.parametrize("how", ["pkill -KILL stress-ng", "systemctl stop os-faults-stress-cpu-load"])
def test_a_load_that_somebody_else_ends_is_not_in_force(cloud: Cloud, node_3: Host, how: str) -> None:
    nodes = cloud.get_nodes(fqdns=[node_3.fqdn])
    with node_3.undone():
        nodes.stress("cpu", duration=600)
        assert_ended_by(cloud, node_3, how)
        assert nodes.end_stress("cpu").changed


def test_unknown_stress_touches_nothing(cloud: Cloud, node_3: Host) -> None:
    with node_3.undone(), pytest.raises(ArgumentError, match="cpu, memory, disk, kernel, all"):
        cloud.get_nodes(fqdns=[node_3.fqdn]).stress("cpus")
