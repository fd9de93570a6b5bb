"""container_state.yml on a host without the container."""

from __future__ import annotations

import pytest
from support.containers import new_name, says_that_it_is_absent

pytestmark = pytest.mark.functional


@pytest.mark.parametrize("verb", ["start", "terminate", "restart", "kill"])
def test_a_host_that_does_not_have_it_says_so(play, verb):
    name = new_name()
    failed = play("container_state.yml", container=name, container_action=verb)
    (why,) = failed.failures.values()
    assert says_that_it_is_absent(name, why), why
