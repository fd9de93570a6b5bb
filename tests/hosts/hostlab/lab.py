"""The lab as it describes itself: which hosts there are, and how to get at them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = Path(__file__).parents[2] / "lab" / "lab"
HOW = "bring it up with `tests/lab/lab up` and run `tests/lab/lab run pytest tests/hosts`"

_OF_THE_LAB = frozenset({"PATH", "HOME"})
"""Variables that the lab's commands need."""


class NoLab(Exception):
    """The lab can't be used; the text says why and what to do."""


@dataclass(frozen=True)
class Lab:
    """The description of the lab.

    Attributes:
        about: the content of its ``lab.json``.
    """

    about: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The private key that every account of every host accepts."""
        return str(self.about["ssh_key"])

    @property
    def known_hosts(self) -> str:
        """The hosts' public keys."""
        return str(self.about["known_hosts"])

    def node(self, name: str) -> Mapping[str, Any]:
        """Return the description of a host, or of a guest."""
        wide = [{"user": self.about["wide"]["user"], "become": False, **host} for host in self.about["wide"]["nodes"]]
        everybody = [*self.about["nodes"], *self.about["guests"], *wide]
        (found,) = (node for node in everybody if node["name"] == name)
        return found

    def has_console(self, name: str) -> bool:
        """Whether commands run on a host without a login."""
        return any(node["name"] == name for node in self.about["nodes"])

    def command(self, *words: str) -> str:
        """Run a command of the lab and return what it prints.

        A host that it starts outlives the tests, so it must not get their private directories.
        """
        env = {
            name: value
            for name, value in os.environ.items()
            if name in _OF_THE_LAB or name.startswith("OS_FAULTS_LAB_")
        }
        return subprocess.run(
            [COMMAND, *words], capture_output=True, text=True, check=True, timeout=120, env=env
        ).stdout


def find() -> Lab:
    """Return the lab that is up and whose network this process is on.

    Raises:
        NoLab: there is none, a host is off, or this process is not on its network.
    """
    directory = Path(os.environ.get("OS_FAULTS_LAB_DIR", "/var/tmp/os-faults-lab"))
    try:
        lab = Lab(json.loads((directory / "lab.json").read_text(encoding="utf-8")))
        status = json.loads(lab.command("status", "--json"))
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise NoLab(f"there is no lab ({error}); {HOW}") from error
    if not status["up"]:
        raise NoLab(f"the lab is down; {HOW}")
    for name, state in status["nodes"].items():
        if state["power"] != "on" or state["hung"] or "down" in state["cables"].values():
            raise NoLab(f"the lab's {name} can't be used: {state}; repair it with `tests/lab/lab down`, then {HOW}")
    if os.stat("/proc/self/ns/net").st_ino != os.stat(lab.about["netns"]).st_ino:
        raise NoLab(f"this process is not on the lab's network; {HOW}")
    return lab
