"""Make one fault by its scripts, let something else happen, undo it, and print as JSON how that was judged.

A program, so that it can run in a namespace: DIRECTORY ACTS_ON INJECT MEANWHILE UNDO, the last three commands of the
shell. DIRECTORY is that of the hold, with the scripts and ``targets``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import ansible.module_utils

ROOT = Path(__file__).parents[2]
ansible.module_utils.__path__.append(str(ROOT / "playbooks" / "module_utils"))

from ansible.module_utils.os_faults.hold import baseline, output, store, targets  # noqa: E402


def main(directory: str, acts_on: str, inject: str, meanwhile: str, undo: str) -> None:
    """Run it."""
    os.chdir(directory)
    hold = store.Hold(directory, {"id": "in-a-namespace"})
    Path(baseline.BEFORE).write_text(baseline.before(acts_on, targets.of_hold(hold)))
    injected = subprocess.run(inject, shell=True, check=True, capture_output=True, text=True)
    baseline.remember(hold)
    subprocess.run(meanwhile, shell=True, check=True)
    memory = baseline.recall(hold)
    undone = subprocess.run(undo, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = output.parse_said(undone.stdout)
    found = baseline.verdict(hold.id, memory, said.theirs)
    notes = [*output.parse_said(injected.stdout).notes, *said.notes]
    answer = {"rc": undone.returncode, "said": undone.stdout, "notes": notes, "left": found.left, "drift": found.drift}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
