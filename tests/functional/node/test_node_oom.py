"""node_oom.yml on a host that it could not protect: it is refused."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from support.held_service import without_systemd
from support.packed_modules import needs_root

from os_faults import resources

pytestmark = [pytest.mark.functional, pytest.mark.usefixtures("runtime_directory")]


@without_systemd
def test_oom_needs_a_host_that_protects_its_sshd(play):
    refused = play("node_oom.yml", node_action="oom", duration=5)
    assert refused.failures == {"here": "running a host out of memory needs systemd and root on it"}
    assert play("node_oom.yml", node_action="oom", check=True).result["changed"]
    assert not play("node_oom.yml", node_action="end_oom").result["changed"]


@needs_root
@pytest.mark.case("f31")
@pytest.mark.parametrize(
    ("script", "limit", "setting", "refused"),
    [
        ("load/oom.sh", "", "1", True),
        ("load/oom.sh", "", "2", True),
        ("load/oom.sh", "1048576", "1", False),
        ("load/oom.sh", "1048576", "2", True),
        ("load/oom.sh", "", "0", False),
        ("load/stress.sh", "", "1", True),
        ("load/stress.sh", "", "0", False),
        ("limit/limit.sh", "", "1", False),
        ("limit/limit.sh", "", "2", True),
    ],
)
def test_a_host_that_panics_when_memory_runs_out_is_left_alone(script, limit, setting, refused, tmp_path):
    """In a mount namespace with another setting, and as many bytes of memory as a container may have."""
    files = resources.playbooks_dir() / "files"
    for name in (*(files / script).parent.glob("*.sh"), files / "lib/panic.sh"):
        shutil.copy(name, tmp_path)
    (tmp_path / "memory_limit.sh").write_text(f"printf '%s' '{limit}'\n")
    (tmp_path / "targets").write_text("load=memory\nduration=1\nunit=web.service\n")
    (tmp_path / "limit").write_text("MemoryMax 1048576\n")
    (tmp_path / "setting").write_text(f"{setting}\n")
    steps = (
        "mount --bind setting /proc/sys/vm/panic_on_oom && mkdir -p /run/systemd && mount -t tmpfs none /run/systemd &&"
    )
    command = f"{steps} mkdir /run/systemd/system && exec sh {Path(script).name} check"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    told = f"this host panics when memory runs out (vm.panic_on_oom={setting})"
    assert done.stderr.startswith(told) is refused, done.stderr
    assert done.returncode == 3 if refused else "panics" not in done.stderr
