"""list_salt.yml on a host that is no Salt master, and what is made of Salt's answers."""

from __future__ import annotations

import doctest
import logging
import os
import shutil
import sys
from pathlib import Path

import pytest
from support.module_files import load

from os_faults import connect

pytestmark = pytest.mark.functional


def test_the_examples_of_the_docstrings():
    assert doctest.testmod(load("osf_salt_minions")).failed == 0


def test_nobody_is_no_failure_and_nonsense_is():
    nobody = "No minions matched the target. No command was sent, no jid was assigned.\n{}\n"
    assert load("osf_salt_minions").answers_of(nobody) == load("osf_salt_minions").answers_of("") == {}
    with pytest.raises(ValueError, match="Expecting value"):
        load("osf_salt_minions").answers_of("Salt request timed out. The master is not responding.")


@pytest.mark.skipif(shutil.which("salt") is not None, reason="this machine is a Salt master")
def test_a_host_that_is_no_master_says_so(play):
    failed = play("list_salt.yml", minions="^cmp")
    assert failed.failures["here"] == "this host is no Salt master: it has no command 'salt'"


SALT = """\
#!/bin/sh
# What Salt 3006 printed for two minions of which one was stopped; exit code 0.
case "$*" in
*--preview-target*) echo '["cmp01", "cmp02", "cmp03", "cmp04"]'; exit;;
*network.interfaces*) answer='{"lo": {"hwaddr": "52:54:00:00:00:01", "inet": [{"address": "127.0.0.1"}]}}';;
*) answer='"127.0.0.1"';;
esac
other=$(echo "$answer" | sed s/127.0.0.1/127.9.9.9/)
[ ! -e "$0.dead" ] || other='"Minion did not return. [No response]"'
echo "{\\"cmp01\\": $answer, \\"cmp02\\": $other, \\"cmp03\\": false}"
"""


@pytest.mark.case("f20")
def test_a_silent_minion_is_named_and_the_others_are_discovered(tmp_path: Path, monkeypatch, caplog) -> None:
    """One that an earlier discovery found is asked at its last known address."""
    salt = tmp_path / "salt"
    salt.write_text(SALT)
    salt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    auth = {"connection": "local", "python_interpreter": sys.executable, "become": False}
    management = {"driver": "saltcloud", "address": "127.0.0.1", "auth": auth, "slave_direct_ssh": True}
    config = {"cloud_management": management, "artifacts_dir": str(tmp_path / "runs")}
    with connect(config) as cloud, caplog.at_level(logging.WARNING, "os_faults"):
        assert cloud.get_nodes().get_fqdns() == ["cmp01", "cmp02"]
        assert caplog.messages == [
            f"{name} did not answer the Salt master: it did not return; it is left out" for name in ("cmp03", "cmp04")
        ]
        (tmp_path / "salt.dead").touch()
        caplog.clear()
        cloud.refresh()
        assert cloud.get_nodes().get_ips() == ["127.0.0.1", "127.9.9.9"]
        silent = "cmp02 did not answer the Salt master: Minion did not return. [No response]"
        assert f"{silent}; it is asked at its last known address 127.9.9.9" in caplog.messages
