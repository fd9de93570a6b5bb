"""The map of docs/architecture.md has one line for each folder, and no other."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
TOPS = ("os_faults", "playbooks", "ansible_modules", "tests", "benchmarks", "docs")
#: Folders whose subfolders are listed too; the others are described as a whole.
OPEN = {*TOPS, "os_faults/ansible", "ansible_modules/module_utils/os_faults"} - {"docs"}
#: Folders that contain nothing but one that is listed.
PASSED = {"ansible_modules/module_utils"}


def drawn() -> set[str]:
    """Return the folders of the map: a line starts with the name, below its parent by two more spaces."""
    (body,) = re.findall(r"^## Map\n+```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    found, above = set(), {-2: ""}
    for lead, name in re.findall(r"^( *)([\w/]+)/(?: |$)", body, re.MULTILINE):
        depth = len(lead)
        above[depth] = f"{above[depth - 2]}{name}/"
        found.add(above[depth].rstrip("/"))
    return found


def folders() -> set[str]:
    """Return the folders of the checkout that the map describes."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    every = {str(parent) for name in listed.splitlines() for parent in PurePosixPath(name).parents}
    return {name for name in every if {name, str(PurePosixPath(name).parent)} & OPEN} - PASSED | {"docs"}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="git lists the files of a checkout")
def test_the_map_has_every_folder_and_no_other() -> None:
    assert drawn() == folders()
