"""What an older os_faults left on a host is listed and taken back, by whoever comes, from wherever.

Each folder of tests/recorded/holds is a hold in one format: ``disable_network storage`` of node-3 of the lab.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostlab.observer import Host

from os_faults import Cloud

SAMPLES = Path(__file__).parents[2] / "recorded" / "holds"
ID = "disable_network-storage"


@pytest.fixture(params=sorted(path.name for path in SAMPLES.iterdir()))
def left_behind(request: pytest.FixtureRequest, node_3: Host) -> Iterator[None]:
    """The fault is in place, its unit is not: nothing but the record tells of it."""
    packed = subprocess.run(
        ["tar", "-C", str(SAMPLES / request.param), "-c", "."], capture_output=True, check=True, timeout=60
    ).stdout
    with node_3.undone():
        node_3.sh(f"mkdir -p -m 700 /run/os-faults/{ID} && chmod 700 /run/os-faults")
        subprocess.run(
            node_3.command("tar", "-C", f"/run/os-faults/{ID}", "--no-same-owner", "-x"),
            input=packed,
            check=True,
            timeout=60,
        )
        node_3.sh(f"sed -i 's/BOOT_ID/{node_3.boot_id()}/' /run/os-faults/{ID}/record.json && ip link set stor0 down")
        yield


def test_it_is_listed_and_taken_back(left_behind: None, cloud: Cloud, node_3: Host) -> None:
    (fault,) = cloud.faults()
    assert (fault.node, fault.id, fault.verb, fault.subject) == (node_3.fqdn, ID, "disable_network", "storage")
    assert fault.by == "somebody@elsewhere"
    assert cloud.heal()[node_3.fqdn].payload["undone"] == [ID]
    assert cloud.faults() == []
