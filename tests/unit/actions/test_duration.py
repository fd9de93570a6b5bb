"""How long something lasts: one word and units, in Python and on the command line; the older words stay."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.cli_fixture import CommandLine, command_line
from support.cloud_fixture import cloud_of, hosts

from os_faults import ArgumentError, ConfigError
from os_faults.actions import contracts, lasts
from os_faults.config import load
from os_faults.testing import FakeRunner

ENDING = [
    (contract.subject, verb, contract.end_of(verb))
    for contract in contracts().values()
    for verb in contract.undone_by
    if contract.end_of(verb)
]


@pytest.fixture
def call(tmp_path: Path, state_home: Path) -> CommandLine:
    return command_line(tmp_path)


@pytest.mark.case("u08")
@pytest.mark.parametrize(("subject", "verb", "option"), ENDING)
def test_every_fault_that_ends_has_the_one_word(call: CommandLine, subject: str, verb: str, option: str) -> None:
    words = ["inject", *(["container"] if subject == "container" else []), verb, "--help"]
    shown = call(*words).stdout
    assert "--for " in shown
    assert f"--{option.replace('_', '-')}," not in shown, "the older word is not shown twice"


@pytest.mark.case("u08")
@pytest.mark.parametrize("words", [("--for", "2min"), ("--seconds", "120"), ("--seconds", "2min")])
def test_a_command_lasts_as_long_as_it_says(call: CommandLine, words: tuple[str, str]) -> None:
    assert call.json("plan", "inject", "freeze", "keystone", *words)["plan"][0]["seconds"] == 120


@pytest.mark.case("u08")
@pytest.mark.parametrize("word", ["seconds", "sec"])
@pytest.mark.parametrize("value", [90, "90", "90s", "1m30s", "1.5min", timedelta(seconds=90), 90.0])
def test_python_takes_one_word_and_its_units(word: str, value: Any, state_home: Path) -> None:
    runner = FakeRunner(hosts())
    with cloud_of(runner) as cloud:
        cloud.get_service("keystone").freeze(**{word: value})
        assert runner.performed[-1].arguments["seconds"] == 90
        cloud.get_nodes().stress("cpu", **{word: value})
        assert runner.performed[-1].arguments["duration"] == 90
        cloud.get_service("keystone").unplug(**{word: value})
        assert lasts(runner.performed[-1]) == 90


@pytest.mark.case("u08")
def test_older_words_stay(state_home: Path) -> None:
    runner = FakeRunner(hosts())
    with cloud_of(runner) as cloud:
        cloud.get_nodes().stress("cpu", duration=5)
        assert lasts(runner.performed[-1]) == 5
        cloud.get_service("keystone").unplug(heal_after="never")
        assert lasts(runner.performed[-1]) is None
        with pytest.raises(ArgumentError, match="heal_after is given twice"):
            cloud.get_service("keystone").unplug(heal_after=5, seconds=6)


@pytest.mark.case("u09")
@pytest.mark.parametrize("value", ["soon", "1.5", 1.5, 0, "-3", True, "5 parsecs", "never", "2y"])
def test_what_is_no_duration_is_refused_in_a_sentence(value: Any, state_home: Path) -> None:
    runner = FakeRunner(hosts())
    with (
        cloud_of(runner) as cloud,
        pytest.raises(ArgumentError, match="must be a duration such as 30, "),
    ):
        cloud.get_service("keystone").freeze(seconds=value)
    assert "freeze" not in {action.verb for action in runner.performed}


@pytest.mark.case("u09")
@pytest.mark.parametrize(
    "words", [("reboot", "--wait-timeout", "10min"), ("restart", "keystone", "--service-timeout", "10min")]
)
def test_a_timeout_takes_units_too(call: CommandLine, words: tuple[str, ...]) -> None:
    (planned,) = call.json("plan", "inject", *words)["plan"]
    assert 600 in planned["arguments"].values()


@pytest.mark.case("u09")
def test_the_configuration_takes_units_too() -> None:
    config = {"cloud_management": {"driver": "devstack", "address": "10.0.0.1"}}
    assert load({**config, "heal_after": "10min"}).heal_after == load({**config, "heal_after": 600}).heal_after == 600
    with pytest.raises(ConfigError, match=r"heal_after must be a duration such as .* got: soon"):
        load({**config, "heal_after": "soon"})


@pytest.mark.case("u10")
@pytest.mark.parametrize("form", ["5s", "2min", "12:30", "2026-11-27T12:30:00+01:00"])
def test_the_help_of_at_names_its_forms(call: CommandLine, form: str) -> None:
    shown = call("inject", "freeze", "--help").stdout
    assert form in shown.split("--at ")[1]


@pytest.mark.case("u20")
def test_an_unknown_argument_is_answered_with_what_a_caller_may_write(state_home: Path) -> None:
    with cloud_of(FakeRunner(hosts())) as cloud:
        service = cloud.get_service("keystone")
        with pytest.raises(ArgumentError) as refusal:
            service.freeze(limt=1)  # type: ignore[call-arg]
        assert str(refusal.value) == (
            "unknown argument 'limt': did you mean 'limit'? known: at, force, heal_after, limit, seconds"
        )
        with pytest.raises(ArgumentError, match=r"known: force, limit, timeout$"):
            service.restart(tiemout=1)  # type: ignore[call-arg]
        assert service.action("restart", timeout="2min").arguments["service_timeout"] == 120
