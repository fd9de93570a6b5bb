"""container_pause.yml on a host without the container."""

from __future__ import annotations

import pytest
from support.containers import new_name, says_that_it_is_absent

pytestmark = pytest.mark.functional


def test_a_host_that_does_not_have_it_says_so(play):
    name = new_name()
    failed = play("container_pause.yml", container=name, container_action="pause")
    (why,) = failed.failures.values()
    assert says_that_it_is_absent(name, why), why


def test_going_on_where_nothing_is_paused_changes_nothing(play):
    assert not play("container_pause.yml", container=new_name(), container_action="unpause").result["changed"]
