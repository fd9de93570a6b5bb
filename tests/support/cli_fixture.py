"""The command line in front of the three hosts of `cloud_fixture`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from os_faults.cli import main
from os_faults.cli.session import Session
from os_faults.config.state import state_dir
from os_faults.testing import Answer, FakeRunner
from support.cloud_fixture import CONFIG, hosts


class CommandLine:
    """Calls ``os-faults`` with a configuration of three hosts.

    Attributes:
        runner: what plays the hosts; ``runner.performed`` tells what was done.
        directory: where the configuration lies.
    """

    def __init__(self, directory: Path, answer: Answer) -> None:
        self.runner = FakeRunner(answer)
        self.directory = directory
        self.config = directory / "os-faults.json"
        self.config.write_text(json.dumps(CONFIG))

    def __call__(self, *words: str) -> Result:
        """Run ``os-faults -c CONFIG WORDS``."""
        session = Session(parts={"runner": self.runner, "state": state_dir(os.environ)})
        return CliRunner().invoke(main, ["-c", str(self.config), *words], obj=session, prog_name="os-faults")

    def json(self, *words: str) -> dict[str, Any]:
        """Run it with JSON output and return the document."""
        found: dict[str, Any] = json.loads(self("--output", "json", *words).stdout)
        return found

    @property
    def verbs(self) -> list[str]:
        """The verbs that were done on hosts, without the look at who is there."""
        return [action.verb for action in self.runner.performed if action.verb != "discover"]


def command_line(directory: Path, answer: Answer | None = None) -> CommandLine:
    """Return the command line in front of hosts that do what they are told, or give ``answer``."""
    return CommandLine(directory, answer or hosts())
