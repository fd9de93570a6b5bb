"""The README's snippets, run word for word as a person would: with ~/.ssh alone, and no other help."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hostlab.command import BIN
from hostlab.lab import Lab

README = Path(__file__).parents[3] / "README.md"

# Executes what it is told, a snippet a line in JSON, all in one namespace; answers each with one line.
_INTERPRETER = """\
import json, sys, traceback
names = {}
for line in sys.stdin:
    snippet = json.loads(line)
    try:
        exec(compile(snippet, "README.md", "exec"), names)
    except BaseException:
        print(json.dumps(traceback.format_exc()), flush=True)
    else:
        print(json.dumps(""), flush=True)
"""

# Only in the command's own mount namespace; the user's real ~/.ssh is not touched.
_WITH_SSH = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'


def snippets(language: str) -> list[str]:
    """Return the README's code blocks in a language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def having(language: str, text: str) -> str:
    """Return the one snippet that has a text in it."""
    (found,) = (snippet for snippet in snippets(language) if text in snippet)
    return found


@contextmanager
def private_ssh(lab: Lab, directory: Path) -> Iterator[list[str]]:
    """Give commands a ``~/.ssh`` with the lab's key; yields the start of their command lines."""
    private = directory / "ssh"
    private.mkdir(mode=0o700)
    shutil.copy(lab.key, private / "id_ed25519")
    users = Path("~/.ssh").expanduser()
    made = not users.exists()
    if made:
        users.mkdir(mode=0o700)
    try:
        yield ["unshare", "--mount", "--propagation", "private", "sh", "-ec", _WITH_SSH, "sh", str(private), str(users)]
    finally:
        if made:
            users.rmdir()


class Interpreter:
    """A Python in which snippets are run one after the other.

    Args:
        start: the start of the command line, see `private_ssh`.
    """

    def __init__(self, start: list[str]) -> None:
        self._process = subprocess.Popen(
            [*start, sys.executable, "-c", _INTERPRETER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, snippet: str) -> str:
        """Run a snippet, which must succeed, and return what it printed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(snippet) + "\n")
        self._process.stdin.flush()
        printed = []
        for line in self._process.stdout:
            if line.startswith('"'):
                failure = json.loads(line)
                assert not failure, f"{snippet}\n{failure}"
                return "".join(printed)
            printed.append(line)
        raise AssertionError(f"the interpreter ended in:\n{snippet}")

    def close(self) -> None:
        self._process.communicate(timeout=60)


def shell(start: list[str], snippet: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run a snippet of shell in a directory."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [*start, "bash", "-ec", snippet],
        cwd=directory,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
