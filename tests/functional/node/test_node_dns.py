"""node_dns.yml, as far as it goes without root: what is refused."""

from __future__ import annotations

import pytest
from support.held_service import without_systemd

pytestmark = pytest.mark.functional


@without_systemd
def test_a_network_is_not_cut_where_nothing_could_undo_it(play):
    why = "dns_down dns cuts a network and needs systemd and root on the host to carry its undo"
    assert play("node_dns.yml", node_action="dns_down").failures == {"here": why}


def test_giving_back_name_servers_where_nothing_is_cut_changes_nothing(play):
    assert not play("node_dns.yml", node_action="dns_up").result["changed"]
