"""The checkout itself: shell files parse, nothing names the machine it was written on, the README holds."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SKIPPED = {".git", ".tox", ".venv", "venv", "build", "dist", "__pycache__", ".state", "_build"}


def project_files() -> list[Path]:
    """Return the files that git has or would take; without git, every file."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(
            ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        found = [ROOT / name for name in listed.split("\0") if name]
    else:
        found = [path for path in ROOT.rglob("*") if not SKIPPED & set(path.parts)]
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


FILES = project_files()
PAGES = [path for path in FILES if path.suffix == ".md"]


def interpreter(path: Path) -> str | None:
    """Return the shell that runs a file, None when it is no shell file."""
    with path.open("rb") as file:
        first = file.readline(64)
    found = re.match(rb"#! ?(?:/usr/bin/env |/bin/|/usr/bin/)(sh|bash|dash)\b", first)
    if found:
        return found[1].decode()
    if path.suffix != ".sh":
        return None
    return "sh" if path.is_relative_to(ROOT / "playbooks") else "bash"  # the parts of tests/lab are read by bash


SHELL_FILES = {path: shell for path in FILES if (shell := interpreter(path))}


@pytest.mark.parametrize("path", SHELL_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_shell_file_parses(path: Path) -> None:
    done = subprocess.run([SHELL_FILES[path], "-n", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("shell", sorted(set(SHELL_FILES.values())))
def test_shellcheck_has_no_complaint(shell: str) -> None:
    files = [str(path) for path, its in SHELL_FILES.items() if its == shell]
    # A part that another file reads uses variables of that file: SC2034 and SC2154 can't be judged there.
    # SC2174: `mkdir -m -p` makes the folders above with the umask, as is meant.
    options = [f"--shell={shell}", "--severity=warning", "--exclude=SC2034,SC2154,SC2174"]
    done = subprocess.run(["shellcheck", *options, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_what_a_host_runs_is_posix_shell() -> None:
    """A host may have no bash."""
    given = [path for path in SHELL_FILES if path.is_relative_to(ROOT / "playbooks")]
    assert [path.name for path in given if SHELL_FILES[path] != "sh"] == []


def test_no_file_names_the_machine_it_was_written_on() -> None:
    # Put together here, so that this file does not hold them itself.
    words = ["/wo" + "rk/", "IFA" + "CE.md", "py" + "pi.org", "pythonhos" + "ted", "deb.deb" + "ian.org", "npm" + "js"]
    words += ["/opt/py" + "pi", "/opt/whe" + "els"]
    pattern = re.compile("|".join(map(re.escape, words)))
    found = []
    for path in FILES:
        text = path.read_bytes().decode("utf-8", "replace")
        found += [f"{path.relative_to(ROOT)}: {hit[0]}" for hit in pattern.finditer(text)]
    assert found == []


def test_no_merge_was_left_half_done() -> None:
    marker = re.compile(rb"^(?:<{7}|>{7}) ", re.MULTILINE)
    assert [str(path.relative_to(ROOT)) for path in FILES if marker.search(path.read_bytes())] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name} → {target}"


def test_version_stands_in_the_changelog() -> None:
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text()


def test_scripts_of_faults_have_different_names() -> None:
    """A hold is one directory, so the folders below ``playbooks/files`` are not seen there."""
    names = [path.name for path in FILES if path.is_relative_to(ROOT / "playbooks" / "files")]
    assert len(names) > 20
    assert len(names) == len(set(names))
