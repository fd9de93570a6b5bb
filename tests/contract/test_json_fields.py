"""The page of the JSON fields has the fields that the commands print, no more and no less."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.cli_fixture import command_line
from support.cloud_fixture import hosts

from os_faults.ansible import artifacts
from os_faults.config.state import state_dir
from os_faults.model import Action, HostResult, Node, Result, Status

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "json-fields.yml"
DOCUMENTS: list[dict[str, Any]] = yaml.safe_load(PAGE.read_text())
PRINTED = [(document, words) for document in DOCUMENTS for words in document["commands"]]


def paths(value: Any, known: Collection[str], path: str = "") -> Iterator[str]:
    """Return the paths of the values below ``value``; what is known as a value is not looked into.

    An empty list or mapping is a value itself, unless something below it is known.
    """
    if path in known or not isinstance(value, (dict, list)):
        yield path
    elif not value:
        yield from [] if any(name.startswith((f"{path}[]", f"{path}.")) for name in known) else [path]
    elif isinstance(value, list):
        for item in value:
            yield from paths(item, known, f"{path}[]")
    else:
        for key, item in value.items():
            yield from paths(item, known, f"{path}.{key}" if path else key)


def compare(document: dict[str, Any], content: dict[str, Any]) -> None:
    fields = document["fields"]
    found = set(paths(content, fields))
    assert found <= set(fields), "not on the page"
    assert {path for path, field in fields.items() if not field.get("sometimes")} <= found, "on the page only"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a run, which is the last one in the user's state directory."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    action = Action("kill", "service_state.yml", (Node("n1", "10.0.0.1"),))
    directory = artifacts.made(state_dir(os.environ) / "runs", action)
    about = {"os_faults": "1.0", "seed": 1, "cloud": "x"}
    artifacts.record(Result(action, {"n1": HostResult("n1", Status.OK)}, artifacts=str(directory)), about)
    return directory


@pytest.mark.case("u21")
@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(("document", "words"), PRINTED, ids=[" ".join(words) for _, words in PRINTED])
def test_a_command_prints_the_fields_of_the_page(document: dict[str, Any], words: list[str], tmp_path: Path) -> None:
    compare(document, command_line(tmp_path, hosts(holds=("freeze-keystone",))).json(*words))


@pytest.mark.case("u21")
def test_the_record_of_a_run_has_the_fields_of_the_page(run: Path) -> None:
    compare(DOCUMENTS[-1], json.loads((run / "os_faults.json").read_text()))


def test_an_empty_value_is_a_field_too() -> None:
    content: dict[str, Any] = {"a": {}, "b": [], "c": [{"d": {}, "e": []}], "f": [], "g": {}}
    known = {"f[].x", "g.x"}
    assert list(paths(content, known)) == ["a", "b", "c[].d", "c[].e"]
