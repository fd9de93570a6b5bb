"""Limits of a service, as far as they go without systemd: what is refused, and that nothing is left."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.functional

WITH_SYSTEMD = os.geteuid() == 0 and Path("/run/systemd/system").is_dir()


@pytest.fixture
def limit(play, tmp_path: Path, runtime_directory: Path):
    """Limit a service that is a process with a pid file."""
    process = subprocess.Popen(["sleep", "600"])
    (tmp_path / "pid").write_text(f"{process.pid}\n")
    services = {"web": {"driver": "process", "pidfile": str(tmp_path / "pid")}}

    def do(verb: str, **more: object):
        inventory = {"os_faults_services": services}
        return play("service_limit.yml", inventory=inventory, service="web", service_action=verb, **more)

    yield do
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    ("verb", "arguments", "message"),
    [
        ("limit_memory", {"memory": "much"}, "value of memory must be a number, or one with K, M, G or T, got: much"),
        ("limit_cpu", {"percent": 0}, "value of percent must be from 1 to 10000, got: 0"),
        ("limit_cpu", {"percent": "half"}, "'percent' is of type"),
        ("limit_memory", {"memory": "64M"}, "a limit needs systemd, root, and a service that is a unit of it"),
    ],
)
def test_what_is_refused(limit, runtime_directory, verb, arguments, message):
    assert message in limit(verb, **arguments).failures["here"]
    assert not (runtime_directory / "os-faults").exists()


@pytest.mark.parametrize("verb", ["unlimit_memory", "unlimit_cpu"])
def test_lifting_what_is_not_there_changes_nothing(limit, verb):
    assert not limit(verb).result["changed"]
