from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_warm_start(monkeypatch):
    """Nothing here runs Ansible; to load it for every cloud that is made would be for nothing."""
    monkeypatch.setenv("OS_FAULTS_WARM_START", "no")


@pytest.fixture
def state_home(tmp_path, monkeypatch):
    """Give the test a state directory of its own, so that nothing is remembered from elsewhere."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"
