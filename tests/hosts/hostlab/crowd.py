"""A controller for each fault of the crash matrix, in a process of its own: what tests kill. Also run as a program.

They are copies of one program that has connected and discovered the nodes, so that all of them get on with it at once.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import os_faults
from hostlab.rows import action_of
from os_faults import Cloud, resources
from os_faults.model import Action

THERE, AFTER = "there", "after"
"""When a controller stops to do anything: when the fault is there and the run has not ended; when the verb has
returned."""


@dataclass(frozen=True)
class Wish:
    """What the controllers do.

    Attributes:
        verbs: fault → the node that it is injected on.
        seconds: after which they end.
        pause: when a controller stops; "" for never.
        playbooks: directory of the playbooks; "" for those of os_faults.
        timeout: seconds that a run may take; 0 for what the verb says.
    """

    verbs: dict[str, str]
    seconds: int
    pause: str = ""
    playbooks: str = ""
    timeout: float = 0


class Crowd:
    """The controllers, as one process group.

    Args:
        config: path of the configuration.
        wish: what they do.
    """

    def __init__(self, config: Path, wish: Wish) -> None:
        self._log = config.with_name("crowd.log").open("w+", encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(config), json.dumps(asdict(wish))],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            start_new_session=True,
        )

    def signal(self, number: int) -> None:
        """Send a signal to all of them, as a terminal does with Ctrl-C."""
        os.killpg(self._process.pid, number)

    def end(self, within: float = 90) -> int:
        """Wait until all have ended; return how many verbs went well, or the negative number of a signal."""
        return self._process.wait(timeout=within)

    def close(self) -> None:
        """Kill those that are left."""
        if self._process.poll() is None:
            self.signal(signal.SIGKILL)
            self._process.wait()
        self._log.close()

    def said(self) -> str:
        """Return the end of what they said."""
        self._log.seek(0)
        return self._log.read()[-3000:]


# -- the program -------------------------------------------------------------------------------


class Enough(Exception):
    """The program that follows a run stops it."""


def _enough(*_: object) -> None:
    raise Enough


def _stop_there(event: dict[str, Any]) -> None:
    """Follow the events of a run, until the fault is there."""
    if event.get("event_data", {}).get("task_action") == "osf_hold" and event["event"] == "runner_on_ok":
        time.sleep(600)


def _control(cloud: Cloud, action: Action, wish: Wish) -> None:
    cloud.watch = _stop_there if wish.pause == THERE else None
    cloud.perform(replace(action, timeout=wish.timeout) if wish.timeout else action)
    if wish.pause == AFTER:
        time.sleep(600)


def _begin(cloud: Cloud, action: Action, wish: Wish) -> int:
    """Let a controller do an action, and return its process."""
    if child := os.fork():
        return child
    status = 1
    try:
        signal.signal(signal.SIGUSR1, _enough)
        _control(cloud, action, wish)
        status = 0
    except BaseException:  # noqa: BLE001 - Ctrl-C too: all that ends a controller is told
        traceback.print_exc()
    finally:
        os._exit(status)


def main(config: str, text: str) -> int:
    """Be all the controllers; return how many verbs went well."""
    wish = Wish(**json.loads(text))
    with os_faults.connect(config_filename=config) as cloud:
        actions = [action_of(cloud, verb, node, wish.seconds) for verb, node in wish.verbs.items()]
        if wish.playbooks:
            resources.playbooks_dir = lambda: Path(wish.playbooks)
        children = [_begin(cloud, action, wish) for action in actions]
        for number in (signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, signal.SIG_IGN)
        return sum(os.waitpid(child, 0)[1] == 0 for child in children)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
