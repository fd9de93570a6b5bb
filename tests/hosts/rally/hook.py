"""Runs Rally's own hook as Rally does, in a process that ends: by its executor, in a thread of its own.

    python hook.py DIRECTORY SENTENCE [CONFIG]

Rally's database is made in DIRECTORY. CONFIG is a file with the ``cloud_config`` that the deployment tells the hook;
without it the hook is told nothing, and os_faults finds its configuration. The results are printed as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rally.common import cfg, db, objects
from rally.task import hook
from rally_openstack.task.hooks import fault_injection  # noqa: F401 - the import registers it


def main(directory: str, sentence: str, config: str = "") -> None:
    cfg.CONF.set_override("connection", f"sqlite:///{directory}/rally.db", group="database")
    db.schema.schema_create()
    deployment = objects.Deployment(name="lab", config={})["uuid"]
    if config:  # present-day Rally keeps no such thing in its database
        told = {"config": {"extra": {"cloud_config": json.loads(Path(config).read_text())}}}
        objects.Deployment.get = lambda _uuid: told
    action = ["fault_injection", {"action": sentence, "verify": True}]
    hooks = [{"action": action, "trigger": ["event", {"unit": "iteration", "at": [2]}]}]
    executor = hook.HookExecutor({"hooks": hooks}, {"uuid": "the-task", "deployment_uuid": deployment})
    executor.on_event("iteration", 1)
    executor.on_event("iteration", 2)
    json.dump(executor.results(), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
