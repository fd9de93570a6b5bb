"""Who acts is plain text."""

from __future__ import annotations

import os
import pwd

import pytest

from os_faults.system.actor import acting


def user(monkeypatch: pytest.MonkeyPatch, name: str) -> str:
    monkeypatch.setenv("LOGNAME", name)
    return acting().partition("@")[0]


@pytest.mark.parametrize("name", ["alice", "alice.b-c_d", "Alice+1"])
def test_a_plain_name_is_taken(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert user(monkeypatch, name) == name


@pytest.mark.parametrize(
    "name", ["x{{ lookup('pipe', 'id') }}", "{% x %}", "a b", "a\nb", "\x1b[31m", "-x", "a" * 65, "a;id", "$(id)", "é"]
)
def test_any_other_is_that_of_the_account(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert user(monkeypatch, name) == pwd.getpwuid(os.getuid()).pw_name


def test_a_user_without_an_account_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 54322)
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    assert acting().startswith("54322@")
