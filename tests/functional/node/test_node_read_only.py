"""node_read_only.yml: what is refused."""

from __future__ import annotations

import os

import pytest

pytestmark = [pytest.mark.functional, pytest.mark.usefixtures("runtime_directory")]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("srv", "the path must be absolute, got: srv"),
        ("/no/such/place", "there is no directory /no/such/place on this host"),
        ("/dev/shm", "/dev/shm is not on a disk" if os.geteuid() == 0 else "needs root"),
        ("/", "which must stay writable" if os.geteuid() == 0 else "needs root"),
    ],
)
def test_what_is_not_made_read_only(play, path, message):
    assert message in play("node_read_only.yml", node_action="read_only", path=path).failures["here"]
    assert not play("node_read_only.yml", node_action="read_write", path=path).result["changed"]
