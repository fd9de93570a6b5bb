"""Every case of tests/compatibility has a test, or a line in the documentation that says why it has none."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
NOT_TAKEN = "Cases that are not taken"


@dataclass(frozen=True)
class Collection:
    """A file of cases, and the page that says which of them are not taken."""

    title: str
    file: str
    page: str
    most_not_taken: int

    def cases(self) -> dict[str, str]:
        """Return number → case."""
        cases: dict[str, str] = yaml.safe_load((ROOT / "tests" / "compatibility" / self.file).read_text())
        return cases

    def not_taken(self) -> set[str]:
        """Return the cases of which the page says that they are not taken."""
        page = ROOT / "docs" / self.page
        text = re.split(r"^## ", page.read_text() if page.exists() else "", flags=re.MULTILINE)
        found = [part for part in text if part.startswith(NOT_TAKEN)]
        return set(re.findall(r"^\| ([A-Za-z][0-9]{2}) \|", "".join(found), re.MULTILINE))


COLLECTIONS = (
    Collection("cases of older versions", "cases.yml", "moving-from-0.3.md", 5),
    Collection("cases from the field", "field.yml", "troubleshooting.md", 5),
)


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


def test_every_mark_names_a_case() -> None:
    assert set(marked()) <= {case for collection in COLLECTIONS for case in collection.cases()}


@pytest.mark.parametrize("collection", COLLECTIONS, ids=lambda collection: collection.file)
def test_every_case_is_tested_or_explained(
    collection: Collection, record_property: Callable[[str, object], None]
) -> None:
    cases, not_taken = set(collection.cases()), collection.not_taken()
    tested = cases & set(marked())
    assert not tested & not_taken, "tested, and yet said not to be"
    assert cases - tested - not_taken == set(), "neither tested nor explained"
    assert len(not_taken) <= collection.most_not_taken
    count = f"{collection.title}: {len(tested)} of {len(cases)} tested, {len(not_taken)} not taken"
    record_property("summary", count)
