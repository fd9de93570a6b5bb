"""node_stress.yml: load runs until it is ended."""

from __future__ import annotations

import shutil

import pytest
from support.held_service import directory_of

pytestmark = [pytest.mark.functional, pytest.mark.usefixtures("runtime_directory")]


def test_stress_runs_until_it_is_ended_or_says_what_is_missing(play):
    done = play("node_stress.yml", node_action="stress", target="cpu", duration=60)
    if shutil.which("stress-ng", path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
        assert done.failures == {"here": "stress-ng is not installed on this host"}
        return
    assert done.result["state"] == "injected"
    assert play("node_stress.yml", node_action="end_stress", target="cpu").result["changed"]
    assert directory_of("stress-cpu") is None
