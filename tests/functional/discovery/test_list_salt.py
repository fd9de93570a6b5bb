"""list_salt.yml on a host that is no Salt master, and what is made of Salt's answers."""

from __future__ import annotations

import doctest
import importlib.util
import shutil

import pytest

from os_faults import resources

pytestmark = pytest.mark.functional


def module():
    spec = importlib.util.spec_from_file_location("osf_salt_minions", resources.modules_dir() / "osf_salt_minions.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_the_examples_of_the_docstrings():
    assert doctest.testmod(module()).failed == 0


def test_nobody_is_no_failure_and_nonsense_is():
    nobody = "No minions matched the target. No command was sent, no jid was assigned.\n{}\n"
    assert module().answers_of(nobody) == module().answers_of("") == {}
    with pytest.raises(ValueError, match="Expecting value"):
        module().answers_of("Salt request timed out. The master is not responding.")


@pytest.mark.skipif(shutil.which("salt") is not None, reason="this machine is a Salt master")
def test_a_host_that_is_no_master_says_so(play):
    failed = play("list_salt.yml", minions="^cmp")
    assert failed.failures["here"] == "this host is no Salt master: it has no command 'salt'"
