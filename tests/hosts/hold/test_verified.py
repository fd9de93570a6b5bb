"""What is called undone is as it was before the fault; what others changed meanwhile is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hostlab.observer import Host

from os_faults import Cloud, NodeCollection, UndoError

ROUTE = "10.98.0.0/24"


@pytest.fixture
def nodes(cloud: Cloud, node_3: Host) -> NodeCollection:
    return cloud.get_nodes(fqdns=[node_3.fqdn])


@pytest.fixture
def drift(node_3: Host) -> Iterator[str]:
    """Somebody else adds a route when this is run, and it is gone after the test."""
    yield f"ip route add {ROUTE} via 10.77.0.1"
    node_3.sh(f"ip route del {ROUTE} 2>/dev/null", check=False)


def lie(host: Host, hold: str) -> None:
    """Make the undo of a fault say that all went well, and do nothing."""
    host.sh(f"cd /run/os-faults/{hold} && sed -i 's/^ *undo .*/:/' undo.sh")


@pytest.mark.parametrize(
    ("fault", "hold", "left", "repair"),
    [
        (lambda cloud, nodes: nodes.read_only("/srv"), "read_only--srv", "+ mount /srv: ", "umount /srv"),
        (
            lambda cloud, nodes: cloud.get_service("memcached").unplug(nodes),
            "unplug-memcached",
            "+ rule of nft in inet osf_unplug_memcached: ",
            "nft delete table inet osf_unplug_memcached",
        ),
    ],
    ids=["read_only", "unplug"],
)
def test_an_undo_that_lies_is_found_out(
    fault: Callable[[Cloud, NodeCollection], object],
    hold: str,
    left: str,
    repair: str,
    cloud: Cloud,
    nodes: NodeCollection,
    node_3: Host,
) -> None:
    with node_3.undone():
        fault(cloud, nodes)
        lie(node_3, hold)
        try:
            with pytest.raises(UndoError) as raised:
                cloud.heal()
        finally:
            node_3.sh(repair)
        assert node_3.fqdn in str(raised.value)
        assert left in str(raised.value)
        assert not cloud.heal().changed


def test_what_others_changed_is_told_and_is_no_failure(
    cloud: Cloud, nodes: NodeCollection, node_3: Host, drift: str
) -> None:
    service = cloud.get_service("memcached")
    with node_3.undone():
        service.freeze(nodes)
        node_3.sh(drift)
        result = cloud.heal()
        told = result[node_3.fqdn].payload["notes"]
        assert [note for note in told if ROUTE in note and note.startswith("changed meanwhile, not by us: +")]
        assert "T" not in node_3.states("memcached.service")
        node_3.sh(f"ip route del {ROUTE}")


def test_overlapping_faults_are_judged_one_by_one(cloud: Cloud, nodes: NodeCollection, node_3: Host) -> None:
    with node_3.undone():
        nodes.bandwidth("storage", "4M")
        nodes.disable_network("storage")
        assert nodes.end_bandwidth("storage").changed
        result = nodes.enable_network("storage")
        assert result.changed
        assert not result[node_3.fqdn].payload["notes"]


def test_healing_a_clean_cloud_is_one_run_that_changes_nothing(
    cloud: Cloud, every_node: list[Host], artifacts: Path
) -> None:
    runs = set(artifacts.iterdir())
    before = [host.fingerprint() for host in every_node]
    result = cloud.heal()
    assert not result.changed
    assert [host.fingerprint() for host in every_node] == before
    assert len(set(artifacts.iterdir()) - runs) == 1
