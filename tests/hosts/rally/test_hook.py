"""The hook that rally-openstack ships: what its result says, and what has happened to the hosts.

It needs rally-openstack beside os_faults: ``tox -e rally``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostlab.command import Shell
from hostlab.observer import Host
from hostlab.subject import keystone, memcached
from hostlab.waiting import wait_for

HOOK = str(Path(__file__).with_name("hook.py"))

Run = Callable[[str], dict[str, Any]]


@pytest.fixture(params=["a file", "the deployment"])
def run(
    request: pytest.FixtureRequest,
    config: dict[str, Any],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> Run:
    """Return what runs the hook with a sentence; the cloud is told in one of the two ways that the hook knows."""
    written = tmp_path / "cloud.json"
    written.write_text(json.dumps(config), encoding="utf-8")
    by_file = request.param == "a file"

    def run(sentence: str) -> dict[str, Any]:
        words = [HOOK, str(tmp_path), sentence, *([] if by_file else [str(written)])]
        environment = {"OS_FAULTS_CONFIG": str(written)} if by_file else {}
        done = Shell(tmp_path).run(sys.executable, *words, **environment)
        assert done.status == 0, done.err
        (trigger,) = json.loads(done.out.splitlines()[-1])
        (result,) = trigger["results"]
        assert trigger["summary"] == {result["status"]: 1}
        record_property("summary", f"Rally's hook, told the cloud by {request.param}: {sentence!r}: {result['status']}")
        return result

    return run


def test_a_good_sentence_is_a_success(run: Run, node_1: Host) -> None:
    subject = keystone(node_1)
    before = subject.processes()
    with node_1.undone(within=30):
        result = run("restart keystone service")
        assert result["status"] == "success", result
        assert not before & subject.processes()
        wait_for(subject.answers, "keystone answers", 60)


@pytest.mark.parametrize(
    ("sentence", "error"),
    [("restart keystone service on one of nodes", "SentenceError"), ("restart keystne service", "ServiceError")],
)
def test_a_bad_sentence_is_a_failure(run: Run, node_1: Host, sentence: str, error: str) -> None:
    before = keystone(node_1).processes()
    result = run(sentence)
    assert result["status"] == "failed"
    assert result["error"]["etype"] == error
    assert keystone(node_1).processes() == before


def test_a_fault_outlives_the_hook(run: Run, node_3: Host) -> None:
    subject = memcached(node_3)
    with node_3.undone(within=60):
        result = run(f"freeze memcached service on {node_3.fqdn} node for 20 seconds")
        assert result["status"] == "success", result
        assert subject.frozen()
        wait_for(subject.answers, "memcached goes on by itself", 40)
