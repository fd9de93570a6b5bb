"""The pages that grow from the code, as they are built: tables are tables, and all that the code has is there."""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
import yaml

from os_faults.actions import contracts
from os_faults.cli import main
from os_faults.registry import KINDS, get, is_older_name, names
from os_faults.resources import catalogue

pytest.importorskip("sphinx", reason="needs the extra `docs`")
pytest.importorskip("myst_parser", reason="needs the extra `docs`")

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENTS = yaml.safe_load((DOCS / "reference" / "json-fields.yml").read_text())
CLOUDS = [name for name in ("devstack", "fuel", "kolla", "saltcloud") if get("cloud", name).catalogue]
#: Page → its file.
PAGES = {
    str(path.relative_to(DOCS).with_suffix("")): path
    for path in sorted(DOCS.rglob("*"))
    if path.suffix in (".md", ".rst") and not path.relative_to(DOCS).parts[0].startswith("_")
}
#: Page → the number of its tables, where they do not all stand in its text.
TABLES = {
    "sentences": 1,
    "reference/crash-matrix": 3,
    "reference/platforms": 3,
    "reference/services": len(CLOUDS),
    "reference/verbs": 3,
    "reference/json": len(DOCUMENTS),
    "reference/drivers/older-names": 0,
    "reference/command-line": 0,
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the built pages."""
    html = tmp_path_factory.mktemp("html")
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", "-D", "html_theme=basic", str(DOCS), str(html)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return html


def written(path: Path) -> int:
    """Return the number of tables in the text of a page, those in blocks of code apart."""
    text = re.sub(r"^( *)```.*?^\1```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    return len(re.findall(r"^\|[ :|-]*-[ :|-]*\|$|^ *\.\. list-table::", text, re.MULTILINE))


def text_of(page: Path) -> str:
    return unescape(re.sub("<[^>]+>", "", page.read_text()))


@pytest.mark.case("u01")
@pytest.mark.parametrize("page", PAGES)
def test_tables_are_tables(built: Path, page: str) -> None:
    html = (built / f"{page}.html").read_text()
    shown = html.count("<table")
    assert shown == TABLES[page] if page in TABLES else shown >= written(PAGES[page])
    for source in ("list-table::", "from-code", "header-rows", "|---"):
        assert source not in html


@pytest.mark.case("u21")
def test_the_page_of_the_services_has_every_service(built: Path) -> None:
    words = set(re.findall(r"[\w-]+", text_of(built / "reference" / "services.html")))
    for name in CLOUDS:
        assert set(catalogue(get("cloud", name).catalogue)) <= words


@pytest.mark.case("u21")
def test_the_page_of_the_verbs_has_every_verb(built: Path) -> None:
    words = set(re.findall(r"\w+", text_of(built / "reference" / "verbs.html")))
    assert {verb.name for contract in contracts().values() for verb in contract.verbs if contract.verbs_from} <= words


@pytest.mark.case("u21")
@pytest.mark.parametrize("page", ["ci.md", "in-your-tests.md", "troubleshooting.md", "reference/json.rst"])
def test_a_page_can_be_reached_from_the_front_page(page: str) -> None:
    assert (DOCS / page).exists()
    assert page.rpartition(".")[0] in (DOCS / "index.md").read_text().split()


@pytest.mark.case("u22")
def test_the_front_page_shows_a_run_of_commands_that_exist(built: Path) -> None:
    shown = text_of(built / "index.html")
    for word in ("plan", "inject", "faults", "heal"):
        assert f"$ os-faults {word}" in shown
        assert word in main.commands
    assert "NODE               ID " in shown


@pytest.mark.case("u22")
def test_the_help_fits_its_page(built: Path) -> None:
    lines = text_of(built / "reference" / "command-line.html").splitlines()
    assert max(len(line) for line in lines if line.startswith("  ")) <= 80


@pytest.mark.case("u22")
def test_older_names_of_drivers_share_one_page(built: Path) -> None:
    words = set(re.findall(r"\w+", text_of(built / "reference" / "drivers" / "older-names.html")))
    older = {name for kind in KINDS for name in names(kind) if is_older_name(kind, name)}
    assert older <= words
    assert not {path.stem.split("-")[-1] for path in (DOCS / "reference" / "drivers").iterdir()} & older
