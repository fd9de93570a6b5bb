"""Faults that somebody else ends: what their scripts did is gone, and they are still there."""

from __future__ import annotations

from hostlab.observer import Host
from os_faults import Cloud


def assert_ended_by(cloud: Cloud, host: Host, script: str) -> None:
    """Assert that the only fault is in force, and is not any more when a script has run on its host."""
    assert [fault.state for fault in cloud.faults()] == ["injected"]
    host.sh(script)
    assert [fault.state for fault in cloud.faults()] == ["not in force"], script
