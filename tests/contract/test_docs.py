"""What the documentation shows works: configurations load, Python is Python, verbs and options exist."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", page.read_text(), re.DOTALL | re.MULTILINE)


CONFIGS = [(page.name, text) for page in PAGES for text in blocks(page, "yaml")]
SNIPPETS = [(page.name, text) for page in PAGES for text in blocks(page, "python")]


COMMANDS = [
    (page.name, words)
    for page in PAGES
    for text in blocks(page, "sh")
    for words in re.findall(r"(?:^|\$\()(?:\.venv/bin/)?os-faults ([a-z][^\n|>)]*)", text, re.MULTILINE)
]


SENTENCES = [
    (page.name, sentence)
    for page in PAGES
    for language, pattern in (("sh", r"os-inject-fault ([a-z][^\n|>]*)"), ("python", r'human_api\(\w+, "([^"]*)"\)'))
    for text in blocks(page, language)
    for sentence in re.findall(pattern, text)
]


def test_there_is_something_to_test() -> None:
    assert SENTENCES
    assert COMMANDS
    assert CONFIGS
    assert SNIPPETS


@pytest.mark.parametrize(("page", "text"), SNIPPETS)
def test_python_is_python(page: str, text: str) -> None:
    compile(text, page, "exec")


@pytest.mark.parametrize(("page", "text"), SNIPPETS)
def test_what_is_called_exists(page: str, text: str) -> None:
    """``something.verb(argument=…)``: verb and argument belong to a class of ours."""
    import inspect

    from os_faults import Cloud, NodeCollection, Service
    from os_faults.actions import PerCall

    known: dict[str, set[str]] = defaultdict(set)
    for cls in (Cloud, NodeCollection, Service):
        for name in dir(cls):
            value = getattr(cls, name)
            if callable(value) and not inspect.isclass(value) and not name.startswith("_"):
                parameters = set(inspect.signature(value).parameters)
                known[name] |= parameters | (set(PerCall.__annotations__) if "call" in parameters else set())
    known["connect"] |= {"cloud_config", "config_filename", "cloud", "seed", "runner"}
    known["fixture"] = {"scope"}  # of pytest
    known["items"] = known["print"] = known["human_api"] = set()  # sentences have a test of their own
    for name, given in re.findall(r"\.(\w+)\(([^()]*)\)", text):
        assert name in known, f"{page} calls .{name}()"
        assert set(re.findall(r"\b(\w+)=", given)) <= known[name], f"{page}: {name}({given})"


def test_readme_has_every_verb() -> None:
    readme = (ROOT / "README.md").read_text()
    for path in (ROOT / "playbooks").glob("*.meta.yml"):
        for spec in yaml.safe_load(path.read_text())["argument_specs"].values():
            for verb in spec.get("verbs", {}):
                assert f"`{verb}`" in readme, f"the table of verbs lacks {verb}"


@pytest.mark.parametrize(("page", "words"), COMMANDS)
def test_command_and_its_options_exist(page: str, words: str) -> None:
    from click.testing import CliRunner

    from os_faults.cli import main

    done = CliRunner().invoke(main, [*shlex.split(words), "--help"])
    assert done.exit_code == 0, f"{page}: os-faults {words}\n{done.output}"


@pytest.mark.parametrize(("page", "sentence"), SENTENCES)
def test_sentence_is_understood(page: str, sentence: str) -> None:
    from os_faults.human import forms
    from os_faults.sentences import understand

    assert understand(sentence, forms()), page


@pytest.mark.parametrize(("page", "text"), CONFIGS)
def test_configuration_is_accepted(page: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from os_faults import Cloud
    from os_faults.config import load

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    content: dict[str, Any] = yaml.safe_load(text)
    environ = {"HOME": str(tmp_path), **dict.fromkeys(re.findall(r"env: (\w+)", text), "secret")}
    if "clouds" in content:
        (tmp_path / "clouds.yaml").write_text(text)
        (name,) = content["clouds"]
        config = load(cloud=name, environ=environ, cwd=tmp_path)
    else:
        (tmp_path / "os-faults.yaml").write_text(text)
        config = load(environ=environ, cwd=tmp_path)
    with Cloud(config) as cloud:  # every driver checks its own arguments; no host is contacted
        assert set(content.get("services", {})) <= set(cloud.list_services())


NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / "security.md").read_text())


def test_every_promise_of_the_threat_model_names_its_test() -> None:
    rows = [line for line in (ROOT / "docs" / "security.md").read_text().splitlines() if line.startswith("| ")]
    promises = [row for row in rows if not row.endswith("| test |")]
    assert len(promises) > 20
    assert all(re.search(r"`tests/[\w/]+\.py::\w+` \|$", row) for row in promises)


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_the_tests_that_the_threat_model_names_are_there(path: str, name: str) -> None:
    assert re.search(rf"^(    )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE)


PATHS = {
    (page.name, path.rstrip("."))
    for page in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
    for path in re.findall(
        r"\b(?:os_faults|playbooks|ansible_modules|tests|benchmarks|docs)/[\w./-]+", page.read_text(encoding="utf-8")
    )
    if not re.search("[A-Z]{4}", path)  # NAME stands for a name of yours
}


@pytest.mark.parametrize(("page", "path"), sorted(PATHS))
def test_a_file_that_a_page_names_is_there(page: str, path: str) -> None:
    assert (ROOT / path).exists(), f"{page} names {path}"


def test_every_driver_has_a_page() -> None:
    from os_faults import registry

    found = [(kind, name) for kind in registry.KINDS for name in registry.names(kind)]
    pages = {"older-names" if registry.is_older_name(kind, name) else f"{kind}-{name}" for kind, name in found}
    assert {path.stem for path in (ROOT / "docs" / "reference" / "drivers").iterdir()} == pages
