"""Several commands of ``os-faults``, one after the other in one process, which loads Ansible once and not for each.

It is a program, for other users and other environments: ``python commands.py CONFIG COMMANDS [FILE]``,
where COMMANDS is a JSON list of lists of words, and FILE is removed before each of them. It prints what became of each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner

from os_faults.ansible.runner import AnsibleRunner
from os_faults.cli import main
from os_faults.cli.session import Session
from os_faults.config import load
from os_faults.config.state import state_dir


class Done(NamedTuple):
    """What became of a command."""

    words: list[str]
    returncode: int
    stdout: str
    stderr: str

    @property
    def went_on(self) -> bool:
        """Whether a command that looks or heals has done its work; `heal` of an unknown id has asked every node."""
        if self.words[0] == "heal" and self.returncode == 2:
            return "no node holds" in self.stderr
        return self.returncode == 0


class _Kept(AnsibleRunner):
    """Outlives a command."""

    def close(self) -> None:
        """Go on with the next command."""

    def end(self) -> None:
        super().close()


def argv(config: Path, commands: Iterable[Sequence[str]], removed: Path | None = None) -> list[str | Path]:
    """Return the arguments of a Python that runs commands with a configuration.

    Args:
        config: path of the configuration.
        commands: the words of each command.
        removed: a file that is removed before each command.
    """
    words = [list(each) for each in commands]
    return ["-P", Path(__file__), config, json.dumps(words), *([removed] if removed else [])]


def read(process: subprocess.CompletedProcess[str]) -> list[Done]:
    """Return what became of each command of a process that has ended."""
    assert process.returncode == 0, process.stderr
    return [Done(*each) for each in json.loads(process.stdout)]


def _run(config: str, commands: list[list[str]], removed: list[str]) -> Iterator[Done]:
    loaded, home = load(None, config), state_dir(os.environ)
    runner = _Kept(loaded.ssh, loaded.artifacts_dir or home / "runs", {})
    for words in commands:
        for path in removed:
            Path(path).unlink(missing_ok=True)
        session = Session(parts={"runner": runner, "state": home})
        done = CliRunner().invoke(main, ["-c", config, *words], obj=session, prog_name="os-faults")
        yield Done(words, done.exit_code, done.stdout, done.stderr)
    runner.end()


if __name__ == "__main__":
    print(json.dumps(list(_run(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]))))
