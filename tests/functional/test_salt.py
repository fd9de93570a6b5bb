"""list_salt.yml on a host that is no Salt master, and what is made of Salt's answers."""

from __future__ import annotations

import importlib.util
import shutil

import pytest

from os_faults import resources

pytestmark = pytest.mark.functional


def test_a_minion_that_is_not_there_is_left_out():
    spec = importlib.util.spec_from_file_location("osf_salt_minions", resources.modules_dir() / "osf_salt_minions.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.answers_of('{"cmp01": {"eth0": {}}, "cmp02": false}') == {"cmp01": {"eth0": {}}}
    assert module.answers_of("") == {}


@pytest.mark.skipif(shutil.which("salt") is not None, reason="this machine is a Salt master")
def test_a_host_that_is_no_master_says_so(play):
    failed = play("list_salt.yml", minions="^cmp")
    assert failed.failures["here"] == "this host is no Salt master: it has no command 'salt'"
