"""The crash matrix of the hosts tier: which faults it is about, what is missing from it, and how a host is compared."""

from __future__ import annotations

import pytest
from hostlab.fingerprint import difference, parse
from hostlab.matrix import CANNOT_APPLY, COLUMNS, ELSEWHERE, ESSENTIAL, Matrix, lasting, rows
from hostlab.rows import ROWS

from os_faults.actions import contracts


def test_a_lasting_fault_has_an_undo_and_an_end() -> None:
    verbs = lasting(contracts().values())
    assert {"freeze", "oom", "disable_network", "latency"} <= set(verbs)
    assert not {"terminate", "poweroff", "restart", "reboot", "unfreeze"} & set(verbs)


def test_every_lasting_fault_has_a_row_or_a_reason() -> None:
    verbs = rows(contracts().values())
    assert set(verbs) == set(ROWS)
    assert set(ELSEWHERE) <= set(lasting(contracts().values()))


def test_at_most_one_cell_in_ten_can_not_apply() -> None:
    assert len(CANNOT_APPLY) * 10 <= len(COLUMNS)
    assert set(CANNOT_APPLY) < set(COLUMNS)
    assert not ESSENTIAL & set(CANNOT_APPLY)
    assert set(COLUMNS) > ESSENTIAL


def test_a_cell_is_missing_until_it_was_seen() -> None:
    matrix = Matrix(["freeze"])
    assert len(matrix.missing()) == len(COLUMNS) - len(CANNOT_APPLY)
    matrix.holds("freeze", "time", "+0.1 s")
    assert "freeze: time" not in matrix.missing()
    assert "freeze: heal" in matrix.missing()
    assert any(line.split() == ["time", "+0.1", "s"] for line in matrix.table())


def fingerprint(*free: str) -> str:
    return "\n".join(["== units", "== iptables", "== ip6tables", "== mounts", "== free space", *free])


@pytest.mark.parametrize(("now", "differs"), [("95 /srv", False), ("60 /srv", True), ("100 /mnt", True)])
def test_logs_may_take_some_space(now: str, differs: bool) -> None:
    before = parse(fingerprint("100 /srv") + "\n== priorities out of memory")
    after = parse(fingerprint(now) + "\n== priorities out of memory")
    assert bool(difference(before, after)) == differs
