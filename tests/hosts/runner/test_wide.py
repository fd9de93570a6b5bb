"""Many hosts at once: thirty light ones, some of which hang or are gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hostlab.evidence import Evidence
from hostlab.waiting import wait_for
from hostlab.wide import MANY, Wide

from os_faults import Cloud, PartlyUnreachable, Status, connect


@pytest.fixture
def cloud(wide: Wide, base_config: dict[str, Any]) -> Iterator[Cloud]:
    with connect(wide.config(base_config)) as cloud:
        yield cloud


def test_all_at_once(wide: Wide, cloud: Cloud, evidence: Evidence) -> None:
    service = cloud.get_service("memcached")
    before = wide.processes()
    restarted = service.restart()
    after = wide.processes()
    assert None not in after.values()
    assert all(after[name] != process for name, process in before.items())
    assert restarted.cost is not None
    assert restarted.cost.cpu_seconds > 0
    assert 1 <= restarted.cost.forks <= MANY

    service.freeze()
    assert set(wide.processes().values()) == {None}
    assert {fault.node for fault in cloud.faults()} == set(before)
    cloud.heal()
    assert wide.processes() == after
    assert cloud.faults() == []
    evidence.seen("restart", f"{MANY} hosts: other processes")
    evidence.seen("freeze", f"{MANY} hosts: no answer")
    evidence.undone("freeze", f"{MANY} hosts: the same processes answer")


def test_one_that_hangs_and_one_that_is_gone_hold_up_nobody(wide: Wide, cloud: Cloud) -> None:
    """Both had answered before: the connections to them are open."""
    service = cloud.get_service("memcached")
    service.get_nodes()
    hung, gone = wide.hosts[1], wide.hosts[2]
    before = wide.processes()
    with ExitStack() as stack:
        for host, verb, way in ((hung, "hang", ("on", "off")), (gone, "power", ("off", "on"))):
            wide.lab.command(verb, host["name"], way[0])
            stack.callback(wide.lab.command, verb, host["name"], way[1])
        with pytest.raises(PartlyUnreachable) as refused:
            service.restart(cloud.get_nodes())
        after = wide.processes()
    lost = {hung["fqdn"], gone["fqdn"]}
    assert {host.node for host in refused.value.result.failures} == lost
    assert {host.status for host in refused.value.result.failures} == {Status.UNREACHABLE}
    assert all(name in str(refused.value) for name in lost)
    assert all(after[name] not in (None, process) for name, process in before.items() if name not in lost)
    wait_for(wide.all_answer, "both answer again", 30)
