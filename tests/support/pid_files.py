"""Services of driver ``process`` that are known by a pid file, and modules that act on them as root of a host does."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.packed_modules import MALLORY, answer_of


def write(path: Path, pid: int, owner: int = MALLORY) -> None:
    path.write_text(f"{pid}\n")
    os.chown(path, owner, owner)


def act(action: str, pidfile: Path, **more: Any) -> dict[str, Any]:
    arguments: Mapping[str, Any] = {
        "name": f"web-{uuid.uuid4().hex[:8]}",
        "start": ["/bin/sleep", "600"],
        "timeout": 10,
    }
    return answer_of("osf_process_service", action=action, pidfile=str(pidfile), **{**arguments, **more})


def found(pidfile: Path) -> dict[str, Any]:
    """What discovery says of a service with this pid file."""
    service = {"driver": "process", "pidfile": str(pidfile), "start": ["/bin/sleep"]}
    answer = answer_of("osf_node_info", services={"web": service}, patience=20)
    return {"active": answer["services"]["web"]["active"], "notes": answer["notes"]}
