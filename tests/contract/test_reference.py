"""The Python reference has an entry for each public member of the classes that callers hold.

Sphinx builds that one page; its inventory (``objects.inv``) lists what the page documents.
"""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from os_faults import Cloud, Container, NodeCollection, Service

pytest.importorskip("sphinx", reason="needs the extra `docs`")

DOCS = Path(__file__).parents[2] / "docs"
PAGE = "reference/python"
SETTINGS = {
    "extensions": "sphinx.ext.autodoc,sphinx.ext.napoleon",
    "html_theme": "basic",
    "include_patterns": f"{PAGE}.rst",
    "root_doc": PAGE,
}


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The dotted names that the page documents."""
    built = tmp_path_factory.mktemp("html")
    settings = [word for name, value in SETTINGS.items() for word in ("-D", f"{name}={value}")]
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", *settings, str(DOCS), str(built)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return names_of(built / "objects.inv")


def names_of(inventory: Path) -> set[str]:
    """Return the names of an inventory: four lines of text, then one line for each object, compressed."""
    *_head, body = inventory.read_bytes().split(b"\n", 4)
    return {line.split(" ", 1)[0] for line in zlib.decompress(body).decode().splitlines()}


def public_members(cls: type) -> set[str]:
    """Return the names of the public methods and properties that are ours, inherited ones too; no constants."""
    ours = [base for base in cls.__mro__ if base.__module__.startswith("os_faults.")]
    return {name for base in ours for name in vars(base) if name.islower() and not name.startswith("_")}


@pytest.mark.parametrize("cls", [Cloud, NodeCollection, Service, Container], ids=lambda cls: cls.__name__)
def test_every_public_member_has_its_entry(cls: type, documented: set[str]) -> None:
    expected = {f"{cls.__module__}.{cls.__qualname__}.{name}" for name in public_members(cls)}
    assert expected - documented == set()
