"""node_network.yml, as far as it goes without root: what is refused."""

from __future__ import annotations

import pytest
from support.held_service import WITH_SYSTEMD, directory_of

pytestmark = [pytest.mark.functional, pytest.mark.usefixtures("runtime_directory")]


@pytest.mark.skipif(WITH_SYSTEMD, reason="here it would cut; tests/hosts does")
def test_a_network_is_not_cut_where_nothing_could_undo_it(play):
    why = "cuts a network and needs systemd and root on the host to carry its undo"
    disable = play("node_network.yml", node_action="disable_network", network_name="lo")
    assert disable.failures == {"here": f"disable_network lo {why}"}
    assert directory_of("disable_network-lo") is None


def test_an_unknown_network_is_refused_with_those_that_are_known(play):
    refused = play(
        "node_network.yml",
        inventory={"os_faults_networks": {"management": "lo", "storage": "no-such-0"}},
        node_action="disable_network",
        network_name="storrage",
        check=True,
    )
    assert refused.failures == {"here": "network 'storrage' is not known; known: management, storage"}
    assert not play("node_network.yml", node_action="enable_network", network_name="lo", check=True).result["changed"]
