"""osf_node_info: what a host is not good for."""

from __future__ import annotations

import pytest
from support.module_files import load

pytestmark = pytest.mark.functional

INFO = load("osf_node_info")


@pytest.mark.each_line
def test_what_a_host_is_not_good_for_is_told_in_sentences():
    assert INFO.usability(252, 0) == []
    assert INFO.usability(None, 0)[0].startswith("this host is not run by systemd: ")
    assert INFO.usability(252, 1000)[0].startswith("tasks are not run as root on this host: ")
