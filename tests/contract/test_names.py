"""Tests are found by name: ``tests/<tier>/…/test_<playbook>.py``, or ``test_<module>.py`` without ``osf_``.

A playbook needs such a file in the functional tier and in that of the hosts, a module in the functional tier. A module
and a playbook that are used only with each other share a file. Each verb is used in the file of its playbook.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SPECS = {
    name: spec
    for path in sorted((ROOT / "playbooks").glob("*.meta.yml"))
    for name, spec in yaml.safe_load(path.read_text())["argument_specs"].items()
}
MODULES = [path.stem.removeprefix("osf_") for path in sorted((ROOT / "ansible_modules").glob("osf_*.py"))]


def files(tier: str, name: str) -> list[Path]:
    """Return the files of tests of a tier that have a name."""
    return sorted((ROOT / "tests" / tier).rglob(f"test_{name}.py"))


def modules_of(file: Path) -> set[str]:
    """Return the modules that a playbook uses, by itself or by the tasks that it takes from other files."""
    text = file.read_text()
    found = set(re.findall(r"^ *(?:- )?osf_(\w+):$", text, re.MULTILINE)) & set(MODULES)  # others act on the controller
    for name in re.findall(r"_tasks: (.+\.yml)$", text, re.MULTILINE):
        pattern = re.sub(r"{{.*?}}", "*", name)  # one file of several, as the driver is
        found = found.union(*(modules_of(tasks) for tasks in file.parent.glob(pattern)))
    return found


def playbook_of(module: str) -> str | None:
    """Return the playbook that alone uses a module, and no other module; None if there is none."""
    used = {name: modules_of(ROOT / "playbooks" / f"{name}.yml") for name in SPECS}
    users = [name for name, modules in used.items() if module in modules]
    return users[0] if len(users) == 1 and used[users[0]] == {module} else None


def words(paths: Iterable[Path]) -> set[str]:
    """Return the names and the texts that occur in Python files."""
    found: set[str] = set()
    for node in (node for path in paths for node in ast.walk(ast.parse(path.read_text()))):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= set(node.value.split())
    return found


@pytest.mark.parametrize("tier", ["functional", "hosts"])
@pytest.mark.parametrize("playbook", list(SPECS))
def test_a_playbook_has_a_test_of_its_name_that_uses_each_verb(playbook: str, tier: str) -> None:
    own = files(tier, playbook)
    assert own, f"write tests/{tier}/<subject>/test_{playbook}.py"
    assert {verb for verb in SPECS[playbook].get("verbs", {}) if verb not in words(own)} == set()


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_a_test_of_its_name_or_of_its_playbook(module: str) -> None:
    names = {module, playbook_of(module) or module}
    assert any(files("functional", name) for name in names), f"write tests/functional/<subject>/test_{module}.py"


def test_both_lines_of_ansible_run_each_playbook_and_module() -> None:
    """Of each file with the name of a playbook or a module, some test runs with the newest line, too."""
    collect = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "-p", "no:cacheprovider", "-m", "not once"]
    done = subprocess.run([*collect, "tests/functional"], cwd=ROOT, capture_output=True, text=True, check=False)
    collected = {Path(line.partition("::")[0]) for line in done.stdout.splitlines() if "::" in line}
    found = {path.stem.removeprefix("test_") for path in collected}
    named = {name for name in (*SPECS, *MODULES) if files("functional", name)}
    assert named - found == set(), done.stderr
