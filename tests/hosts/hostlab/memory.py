"""How often the kernel's OOM killer acted in a host, as this machine's kernel counts it."""

from __future__ import annotations

import re
from pathlib import Path

from hostlab.observer import Host

_CGROUPS = Path("/sys/fs/cgroup")
_COUNTER = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


def oom_kills(host: Host) -> int:
    """Return the number of processes of a host that the OOM killer has killed since the lab came up."""
    name = f"{host.lab.about['name']}/{host.name}"
    files = [
        *_CGROUPS.glob(f"memory/{name}/**/memory.oom_control"),  # version 1
        *_CGROUPS.glob(f"{name}/guest/memory.events"),  # version 2: hierarchical
    ]
    assert files, f"the control group of {host.name} has no memory controller"
    return sum(int(found[1]) for file in files if (found := _COUNTER.search(file.read_text(encoding="ascii"))))
