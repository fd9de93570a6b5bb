"""Tests are found by name: ``tests/<tier>/…/test_<playbook>.py``, or ``test_<module>.py`` without ``osf_``.

A playbook needs such a file in the functional tier and in that of the hosts, a module in the functional tier. Each verb
is used in the files of its playbook; while a playbook has no file of its name, in any test of the tier.

``names.yml`` lists what breaks the rule. It can only shrink: an entry that is no longer needed fails.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
EXCEPTIONS = yaml.safe_load(Path(__file__).with_name("names.yml").read_text())
SPECS = {
    name: spec
    for path in sorted((ROOT / "playbooks").glob("*.meta.yml"))
    for name, spec in yaml.safe_load(path.read_text())["argument_specs"].items()
}
MODULES = [path.stem.removeprefix("osf_") for path in sorted((ROOT / "ansible_modules").glob("osf_*.py"))]
TIERS = {"playbooks": ["functional", "hosts"], "modules": ["functional"], "verbs": ["functional", "hosts"]}


def files(tier: str, name: str = "*") -> list[Path]:
    """Return the tests of a tier, or those of one name."""
    return sorted((ROOT / "tests" / tier).rglob(f"test_{name}.py"))


def words(paths: Iterable[Path]) -> set[str]:
    """Return the names and the texts that occur in Python files."""
    found: set[str] = set()
    for node in (node for path in paths for node in ast.walk(ast.parse(path.read_text()))):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= set(node.value.split())
    return found


def breaks_the_rule(kind: str, tier: str) -> list[str]:
    """Return the playbooks, modules or verbs that have no test where the rule wants one."""
    if kind != "verbs":
        return [name for name in (MODULES if kind == "modules" else SPECS) if not files(tier, name)]
    anywhere = words(files(tier))
    missing = []
    for playbook, spec in SPECS.items():
        used = words(own) if (own := files(tier, playbook)) else anywhere
        missing += [f"{playbook}.{verb}" for verb in spec.get("verbs", {}) if verb not in used]
    return missing


CASES = [(kind, tier) for kind, tiers in TIERS.items() for tier in tiers]


@pytest.mark.parametrize(("kind", "tier"), CASES)
def test_what_has_no_test_of_its_name_is_listed_and_nothing_else(kind: str, tier: str) -> None:
    listed = EXCEPTIONS[kind][tier]
    found = breaks_the_rule(kind, tier)
    assert set(found) - set(listed) == set(), f"write tests/{tier}/test_<name>.py for these"
    assert set(listed) - set(found) == set(), "these follow the rule: take them off the list in names.yml"
    assert listed == sorted(set(listed))


def test_the_list_has_no_other_keys() -> None:
    assert {kind: list(tiers) for kind, tiers in EXCEPTIONS.items()} == TIERS
