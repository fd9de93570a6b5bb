"""Every case of tests/compatibility has a test, or a line in the documentation that says why it has none."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
CASES: dict[str, str] = yaml.safe_load((ROOT / "tests" / "compatibility" / "cases.yml").read_text())
PAGE = (ROOT / "docs" / "moving-from-0.3.md").read_text()
MOST_NOT_TAKEN = 5


def section(title: str) -> set[str]:
    """Return the cases in the table of a section of the page."""
    text = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    (found,) = (part for part in text if part.startswith(title))
    return set(re.findall(r"^\| ([A-I][0-9]{2}) \|", found, re.MULTILINE))


def marked() -> dict[str, list[str]]:
    """Return case → the tests that are marked with it."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            for decorator in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.case":
                    for argument in decorator.args:
                        found.setdefault(ast.literal_eval(argument), []).append(f"{path.name}::{node.name}")
    return found


def test_every_case_is_tested_or_explained(record_property: Callable[[str, object], None]) -> None:
    tested, not_taken = set(marked()), section("Cases that are not taken")
    assert tested <= set(CASES), "a mark names no case"
    assert not tested & not_taken, "tested, and yet said not to be"
    assert set(CASES) - tested - not_taken == set(), "neither tested nor explained"
    assert len(not_taken) <= MOST_NOT_TAKEN
    count = f"cases of older versions: {len(tested)} of {len(CASES)} tested, {len(not_taken)} not taken"
    record_property("summary", count)
