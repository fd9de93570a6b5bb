"""A BMC that speaks IPMI by pyghmi's own server, and is busy or silent as it is told.

It runs as a program of its own, `ipmi_program.py`, because pyghmi keeps all sessions of a process in one place.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.bmc import free_port

PASSWORD = "canary-password"


class Bmc:
    """The program and its folder; the machine is on."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.port = free_port()
        folder.mkdir()
        for name in ("says", "asked"):
            (folder / name).touch()
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("ipmi_program.py")), str(self.port), str(folder), *options],
            stdin=subprocess.DEVNULL,
        )
        while not (folder / "ready").exists():
            assert self.process.poll() is None
            time.sleep(0.02)

    def say(self, *lines: str) -> None:
        """Tell how the next requests are answered: ``control c0`` with that code, ``control silent`` not at all."""
        (self.folder / "says").write_text("".join(f"{line}\n" for line in lines))

    @property
    def power(self) -> str:
        return (self.folder / "power").read_text()

    def asked(self, request: str) -> list[float]:
        """Return when a request came: open, status, control."""
        lines = (line.split() for line in (self.folder / "asked").read_text().splitlines())
        return [float(at) for at, each in lines if each == request]

    def login(self, **others: Any) -> dict[str, Any]:
        return {"address": "127.0.0.1", "port": self.port, "username": "admin", "password": PASSWORD, **others}


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Bmc]:
    """Give a BMC that runs until the end of the context; the option ``--old`` makes it as virtualbmc is."""
    bmc = Bmc(folder, *options)
    try:
        yield bmc
    finally:
        bmc.process.kill()
        bmc.process.wait()
