"""The count of cases at the end of a run of the tests."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from support.green_cases import counted


@dataclass
class Part:
    """What became of a part of a test."""

    when: str
    outcome: str
    cases: list[str] = field(default_factory=lambda: ["A01"])


SET_UP = Part("setup", "passed")
GREEN = "cases of tests/compatibility: 1 of the 1 in this run are green"
NOT_GREEN = "cases of tests/compatibility: 0 of the 1 in this run are green"
FAILED = "cases of tests/compatibility failed: A01"
SKIPPED = "cases of tests/compatibility skipped, all or in part: A01"


@pytest.mark.parametrize(
    ("parts", "lines"),
    [
        ([], []),
        ([SET_UP, Part("call", "passed"), Part("teardown", "passed")], [GREEN]),
        ([SET_UP, Part("call", "failed")], [NOT_GREEN, FAILED]),
        ([Part("setup", "failed")], [NOT_GREEN, FAILED]),
        ([SET_UP, Part("call", "passed"), Part("teardown", "failed")], [NOT_GREEN, FAILED]),
        ([SET_UP, Part("call", "passed"), Part("setup", "failed")], [NOT_GREEN, FAILED]),
        ([Part("setup", "skipped")], [NOT_GREEN, SKIPPED]),
        ([SET_UP, Part("call", "passed"), Part("setup", "skipped")], [NOT_GREEN, SKIPPED]),
        ([SET_UP, Part("call", "failed"), Part("setup", "skipped")], [NOT_GREEN, FAILED]),
        ([Part("setup", "passed", []), Part("call", "passed", [])], []),
    ],
)
def test_a_case_is_green_when_it_was_tested_and_nothing_of_it_failed_or_was_skipped(
    parts: list[Part], lines: list[str]
) -> None:
    assert list(counted(parts)) == lines
