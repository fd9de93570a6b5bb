"""Every node is looked at, and can be used."""

from __future__ import annotations

from hostlab.observer import Host

from os_faults import Cloud


def test_every_node_is_looked_at(cloud: Cloud, every_node: list[Host]) -> None:
    found = cloud.verify()
    seen = {name: found[name].payload["node"]["boot_id"] for name in found}
    assert seen == {host.fqdn: host.boot_id() for host in every_node}
    assert not found.changed
