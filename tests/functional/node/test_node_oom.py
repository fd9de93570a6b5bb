"""node_oom.yml on a host that it could not protect: it is refused."""

from __future__ import annotations

import pytest
from support.held_service import WITH_SYSTEMD

pytestmark = [pytest.mark.functional, pytest.mark.usefixtures("runtime_directory")]


@pytest.mark.skipif(WITH_SYSTEMD, reason="here it would run out of memory; tests/hosts does")
def test_oom_needs_a_host_that_protects_its_sshd(play):
    refused = play("node_oom.yml", node_action="oom", duration=5)
    assert refused.failures == {"here": "running a host out of memory needs systemd and root on it"}
    assert play("node_oom.yml", node_action="oom", check=True).result["changed"]
    assert not play("node_oom.yml", node_action="end_oom").result["changed"]
