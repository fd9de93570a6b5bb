"""Many hosts at once: thirty light ones, some of which hang or are gone."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from hostlab import lab as labs
from hostlab.evidence import Evidence
from hostlab.lab import Lab
from hostlab.waiting import wait_for

from os_faults import Cloud, PartlyUnreachable, Status, connect

MANY = 30


@dataclass(frozen=True)
class Crowd:
    """Light hosts of the lab, seen by what their service says.

    Attributes:
        lab: as it describes itself.
        config: of a cloud that is these hosts.
    """

    lab: Lab
    config: dict[str, Any]

    @property
    def hosts(self) -> list[dict[str, str]]:
        """The hosts as the lab describes them."""
        return list(self.lab.about["wide"]["nodes"][:MANY])

    def processes(self) -> dict[str, int | None]:
        """Return name of the host → process number of its memcached, None where it does not answer."""
        with ThreadPoolExecutor(MANY) as pool:
            return dict(
                zip(
                    (h["fqdn"] for h in self.hosts),
                    pool.map(_process_of, (h["address"] for h in self.hosts)),
                    strict=True,
                )
            )

    def all_answer(self) -> bool:
        """Whether every service does."""
        return None not in self.processes().values()


def _process_of(address: str) -> int | None:
    with suppress(OSError), socket.create_connection((address, 11211), timeout=3) as connection:
        connection.sendall(b"stats\r\n")
        answer = connection.makefile("rb")
        while (line := answer.readline().split()) and line[0] != b"END":
            if line[1] == b"pid":
                return int(line[2])
    return None


@pytest.fixture(scope="module")
def crowd(lab: Lab, base_config: dict[str, Any]) -> Iterator[Crowd]:
    started = len(lab.about["wide"]["nodes"]) < MANY
    if started:
        lab.command("up", "--wide", str(MANY))
        lab = labs.find()
    service = lab.about["wide"]["service"]
    auth = {"username": "root", "private_key_file": lab.key}
    config = {
        "cloud_management": {"driver": "universal"},
        "node_discover": {
            "driver": "node_list",
            "args": [
                {"ip": host["address"], "fqdn": host["fqdn"], "mac": f"52:54:00:79:00:{number:02x}", "auth": auth}
                for number, host in enumerate(lab.about["wide"]["nodes"][:MANY], 11)
            ],
        },
        "services": {
            "memcached": {
                "driver": "process",
                "args": {"pidfile": service["pidfile"], "start": service["start"], "port": service["port"]},
            }
        },
        **{key: base_config[key] for key in ("ssh", "artifacts_dir", "heal_after")},
    }
    yield Crowd(lab, config)
    if started:
        lab.command("up", "--wide", "0")


@pytest.fixture
def cloud(crowd: Crowd) -> Iterator[Cloud]:
    with connect(crowd.config) as cloud:
        yield cloud


def test_all_at_once(crowd: Crowd, cloud: Cloud, evidence: Evidence) -> None:
    service = cloud.get_service("memcached")
    before = crowd.processes()
    restarted = service.restart()
    after = crowd.processes()
    assert None not in after.values()
    assert all(after[name] != process for name, process in before.items())
    assert restarted.cost is not None
    assert restarted.cost.cpu_seconds > 0
    assert 1 <= restarted.cost.forks <= MANY

    service.freeze()
    assert set(crowd.processes().values()) == {None}
    assert {fault.node for fault in cloud.faults()} == set(before)
    cloud.heal()
    assert crowd.processes() == after
    assert cloud.faults() == []
    evidence.seen("restart", f"{MANY} hosts: other processes")
    evidence.seen("freeze", f"{MANY} hosts: no answer")
    evidence.undone("freeze", f"{MANY} hosts: the same processes answer")


def test_one_that_hangs_and_one_that_is_gone_hold_up_nobody(crowd: Crowd, cloud: Cloud) -> None:
    """Both had answered before: the connections to them are open."""
    service = cloud.get_service("memcached")
    service.get_nodes()
    hung, gone = crowd.hosts[1], crowd.hosts[2]
    before = crowd.processes()
    with ExitStack() as stack:
        for host, verb, way in ((hung, "hang", ("on", "off")), (gone, "power", ("off", "on"))):
            crowd.lab.command(verb, host["name"], way[0])
            stack.callback(crowd.lab.command, verb, host["name"], way[1])
        with pytest.raises(PartlyUnreachable) as refused:
            service.restart(cloud.get_nodes())
        after = crowd.processes()
    lost = {hung["fqdn"], gone["fqdn"]}
    assert {host.node for host in refused.value.result.failures} == lost
    assert {host.status for host in refused.value.result.failures} == {Status.UNREACHABLE}
    assert all(name in str(refused.value) for name in lost)
    assert all(after[name] not in (None, process) for name, process in before.items() if name not in lost)
    wait_for(crowd.all_answer, "both answer again", 30)
