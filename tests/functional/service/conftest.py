"""What several tests of services need."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.packed_modules import MALLORY


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The directory of a service, which mallory owns."""
    for directory in (tmp_path, *tmp_path.parents):
        if directory.stat().st_mode & 0o001 == 0:
            directory.chmod(directory.stat().st_mode | 0o011)  # he gets there, and sees nothing else
    made = tmp_path / "service"
    made.mkdir()
    os.chown(made, MALLORY, MALLORY)
    return made
