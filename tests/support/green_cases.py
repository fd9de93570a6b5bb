"""Which cases of tests/compatibility a run of the tests has shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol


class Report(Protocol):
    """What became of a part of a test: of what it needs, of itself, or of what it leaves.

    Attributes:
        cases: the cases that the test is marked with.
        when: ``setup``, ``call`` or ``teardown``.
        outcome: ``passed``, ``failed`` or ``skipped``.
    """

    cases: list[str]
    when: str
    outcome: str


def counted(reports: Iterable[Report]) -> Iterator[str]:
    """Yield the lines that tell how many cases are green, which are red, and which were not tested.

    A case is green when one of its tests has passed, and no part of one has failed or was skipped.
    """
    called: set[str] = set()
    outcomes: dict[str, set[str]] = {}
    for report in reports:
        for case in report.cases:
            outcomes.setdefault(case, set()).add(report.outcome)
            if report.when == "call":
                called.add(case)
    if not outcomes:
        return
    failed = sorted(case for case, seen in outcomes.items() if "failed" in seen)
    skipped = sorted(case for case, seen in outcomes.items() if "skipped" in seen and case not in failed)
    green = called - {*failed, *skipped}
    yield f"cases of tests/compatibility: {len(green)} of the {len(outcomes)} in this run are green"
    for word, cases in (("failed", failed), ("skipped, all or in part", skipped)):
        if cases:
            yield f"cases of tests/compatibility {word}: {' '.join(cases)}"
