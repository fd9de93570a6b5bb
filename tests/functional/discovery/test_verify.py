"""verify.yml on this machine, and on a host that is not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.functional


@pytest.mark.parametrize("check", [False, True])
def test_verify_says_what_the_host_is_not_good_for(play, check):
    found = play("verify.yml", check=check)
    assert found.rc == 0, found.stdout
    assert found.result["services"] == {}
    told = " ".join(found.result["notes"])
    assert ("is not run by systemd" in told) == (not Path("/run/systemd/system").is_dir())
    assert ("not run as root" in told) == (os.geteuid() != 0)
    assert ("network cuts are refused" in told) == bool(found.result["notes"])


def test_verify_of_a_host_that_is_not_there_is_unreachable(play):
    nowhere = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    found = play("verify.yml", hosts={"here": {}, "gone": nowhere})
    assert found.rc == 4
    assert list(found.failures) == ["gone"]
    assert "here" in found.results()
