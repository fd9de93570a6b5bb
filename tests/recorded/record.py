"""Record again how Ansible answers; run it after the supported cores changed, once with each.

    python tests/recorded/record.py

Each play of `plays/` (its tasks) runs on three hosts: node-1 and node-2 are this machine, and
nothing listens where node-3 should be. What ansible-runner reports goes to
`core-<major>.<minor>/<play>.json`, without what differs from run to run.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ansible_runner
import yaml

HERE = Path(__file__).parent
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
DEAD = {"ansible_host": "127.0.0.1", "ansible_port": 1}
INVENTORY = {"all": {"hosts": {"node-1": LOCAL, "node-2": LOCAL, "node-3": DEAD}}}
KEPT = {"host", "task", "task_action", "res", "ignore_errors", "dark", "failures"}
VARYING = {"start", "end", "delta", "uuid"}


def main() -> None:
    """Record every play with the core that is installed beside this Python."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    folder = HERE / ("core-" + ".".join(version("ansible-core").split(".")[:2]))
    folder.mkdir(exist_ok=True)
    for path in sorted((HERE / "plays").glob("*.yml")):
        recording = record(path)
        (folder / f"{path.stem}.json").write_text(json.dumps(recording, indent=1, sort_keys=True) + "\n")
        print(path.stem, recording["status"], len(recording["events"]))


def record(path: Path) -> dict[str, Any]:
    """Run one play and return what was reported of it."""
    with tempfile.TemporaryDirectory() as directory:
        run = ansible_runner.run(
            private_data_dir=directory,
            playbook=[{"hosts": "all", "gather_facts": False, "tasks": yaml.safe_load(path.read_text())}],
            inventory=INVENTORY,
            quiet=True,
            event_handler=lambda event: True,
            envvars={"ANSIBLE_LIBRARY": str(HERE / "library")},
        )
        files = Path(directory, "artifacts", str(run.config.ident), "job_events").glob("*.json")
        events = [json.loads(file.read_text()) for file in sorted(files, key=lambda file: int(file.name.split("-")[0]))]
        stdout = Path(directory, "artifacts", str(run.config.ident), "stdout").read_text()
    told = [
        {
            "event": event["event"],
            "event_data": {key: plain(event["event_data"][key]) for key in KEPT & set(event["event_data"])},
        }
        for event in events
        if event["event"].startswith(("runner_", "playbook_on_stats"))
    ]
    return {"status": run.status, "rc": run.rc, "stdout": re.sub(r"/\S*/project/", "", stdout), "events": told}


def plain(value: Any) -> Any:
    """Return a value without what differs from run to run."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in VARYING}
    return [plain(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
