"""A controller that injects all faults of the crash matrix at once: what tests kill. Also run as a program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import os_faults
from hostlab.rows import action_of
from os_faults import Cloud, resources
from os_faults.model import Action

THERE, AFTER = "there", "after"
"""When a controller stops: when the fault is there and the run has not ended; when the verbs have returned."""


@dataclass(frozen=True)
class Wish:
    """What the controller does.

    Attributes:
        verbs: fault → the node that it is injected on.
        seconds: after which they end.
        pause: when it stops to do anything; "" for never.
        apart: whether each fault has a controller, a copy of the first, in a process of its own.
        playbooks: directory of the playbooks; "" for those of os_faults.
        timeout: seconds that a run may take; 0 for what the verb says.
    """

    verbs: dict[str, str]
    seconds: int
    pause: str = ""
    apart: bool = False
    playbooks: str = ""
    timeout: float = 0


class Crowd:
    """The controllers, as a process group.

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

    def end(self, within: float = 180) -> int:
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


def _control(cloud: Cloud, action: Action, wish: Wish) -> bool:
    """Do an action and return whether it went well; all that ends it is told, Ctrl-C too."""
    try:
        cloud.perform(replace(action, timeout=wish.timeout) if wish.timeout else action)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        return False
    return True


def _together(cloud: Cloud, actions: list[Action], wish: Wish) -> int:
    """Do all actions in threads of this process; return how many went well."""
    with ThreadPoolExecutor(len(actions)) as pool:
        well = sum(pool.map(lambda action: _control(cloud, action, wish), actions))
    if wish.pause == AFTER:
        time.sleep(600)
    return well


def _apart(cloud: Cloud, actions: list[Action], wish: Wish) -> int:
    """Do each action in the main thread of a process, which alone gets signals; return how many went well."""
    children = []
    for action in actions:
        if child := os.fork():
            children.append(child)
            continue
        signal.signal(signal.SIGUSR1, _enough)
        os._exit(not _control(cloud, action, wish))
    for number in (signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    return sum(os.waitpid(child, 0)[1] == 0 for child in children)


def _enough(*_: object) -> None:
    raise Enough


def _stop_there(event: dict[str, Any]) -> None:
    """Follow the events of a run, until one says that the fault is there."""
    if event["event"] == "runner_on_ok" and event["event_data"].get("task_action") == "osf_hold":
        time.sleep(600)


def main(config: str, text: str) -> int:
    """Be the controller of all faults, or a controller for each; return how many verbs went well."""
    wish = Wish(**json.loads(text))
    with os_faults.connect(config_filename=config) as cloud:
        actions = [action_of(cloud, verb, node, wish.seconds) for verb, node in wish.verbs.items()]
        if wish.playbooks:
            resources.playbooks_dir = lambda: Path(wish.playbooks)
        cloud.watch = _stop_there if wish.pause == THERE else None
        return (_apart if wish.apart else _together)(cloud, actions, wish)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
