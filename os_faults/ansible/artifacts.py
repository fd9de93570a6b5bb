"""The artifacts of a run: a directory with the action, its nodes and its results.

It has ansible-runner's own layout, with ``os_faults.json`` beside its artifacts. Only this user can read it.
"""

from __future__ import annotations

import errno
import json
import os
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from os_faults.model import Action, Result
from os_faults.system import files
from os_faults.system.text import is_text

#: ansible-runner's name for the one run of a private directory.
IDENT = "run"
#: Free bytes that a run needs for its artifacts; a short run leaves some 100 kB.
_ROOM = 8 * 1024 * 1024


def must_be_recorded(action: Action) -> bool:
    """Return whether an action may break something. It must leave artifacts then, or nothing is touched.

    The effect of the user's own tasks is not known, so they count.
    """
    return action.breaks or bool(action.tasks) or any(map(must_be_recorded, action.parts))


def made(base: Path, action: Action) -> Path:
    """Create the directory of a run below ``base``, which is created too, and return its path.

    Raises:
        OSError: it can't be created, Ansible would not find it, or the disk has too little room for the run.
    """
    started = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    directory = base / f"{started}-{re.sub('[^a-z_]', '', action.verb)}-{uuid.uuid4().hex[:6]}"
    if not is_text(str(base)) or os.path.expandvars(base) != str(base):
        raise OSError(errno.EINVAL, "Ansible takes no path that is not UTF-8 or has a variable in it, like $HOME")
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not files.has_room(base, _ROOM):
        raise OSError(errno.ENOSPC, f"less than {_ROOM // 2**20} MB are left there")
    for folder in ("", "artifacts", f"artifacts/{IDENT}", "env", "inventory", "project"):
        (directory / folder).mkdir(mode=0o700)
    return directory


def record(result: Result, about: Mapping[str, Any]) -> None:
    """Record the result of a run.

    Args:
        result: the result, with the path of its artifacts.
        about: further facts for the record, plain data.

    Raises:
        OSError: it can't be written.
    """
    done = bool(result.hosts) and not result.error and not result.failures
    write_json(
        Path(str(result.artifacts)) / "os_faults.json",
        {
            "schema": 1,
            **about,
            **_described(result.action),
            "started": datetime.fromtimestamp(result.started, UTC).isoformat(),
            "seconds": round(result.seconds, 3),
            "cost": asdict(result.cost) if result.cost else None,
            "status": "done" if done else "failed",
            "error": result.error,
            "results": _answered(result),
            "parts": [{**_described(part.action), "results": _answered(part)} for part in result.parts],
        },
    )


def rewrite_output(directory: Path, change: Callable[[str], str]) -> None:
    """Change the output of a run, in its file and in its events. A file that can't be changed is removed.

    Args:
        directory: directory of the run.
        change: returns the new text for an old text.
    """
    below = directory / "artifacts" / IDENT
    for path in (below / "stdout", *below.glob("job_events/*.json")):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
            if path.suffix == ".json":
                event = json.loads(text)
                event["stdout"] = "" if event.get("event") == "verbose" else change(str(event.get("stdout", "")))
                text = json.dumps(event)
            else:
                text = change(text)
            path.unlink()
            write(path, text)
        except (OSError, ValueError):
            path.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write a new file (0600) of JSON; values that are not plain data are written as text.

    Raises:
        OSError: it can't be written, or exists already.
    """
    write(path, json.dumps(content, indent=1, default=str))


def write(path: Path, text: str) -> None:
    """Write a new file (0600).

    Raises:
        OSError: it can't be written, or exists already.
    """
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _described(action: Action) -> dict[str, Any]:
    return {
        "verb": action.verb,
        "subject": action.subject,
        "playbook": action.playbook or "(ad-hoc)",
        "arguments": dict(action.arguments),
        "check_mode": action.check_mode,
        "nodes": [node.fqdn for node in action.nodes],
    }


def _answered(result: Result) -> dict[str, Any]:
    return {name: {**asdict(host), "payload": dict(host.payload)} for name, host in result.items()}
