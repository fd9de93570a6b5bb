"""node_reboot.yml on this machine, as far as it is safe to go here."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.functional


@pytest.mark.parametrize("wait", [True, False])
def test_the_controller_is_never_rebooted(play, wait):
    refused = play("node_reboot.yml", node_action="reboot", wait=wait)
    assert "would reboot the control node" in refused.failures["here"] or (
        refused.failures["here"]
        == "this host is reached by a local connection, so the reboot would hit the controller itself"
    )


def test_reboot_refuses_other_words(play):
    refused = play("node_reboot.yml", node_action="reset")
    assert refused.failures["here"] == (
        "Validation of arguments failed:\nvalue of node_action must be one of: reboot, got: reset"
    )
