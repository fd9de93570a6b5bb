"""A wheel, a wheel by way of the sdist, and an editable install all hold every playbook and module, and they work.

Each way gets a fresh virtual environment of its own; only the dependencies are borrowed from the environment that
runs the tests. Ansible runs in an empty directory, so that no ansible.cfg of the checkout helps it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WAYS = ["wheel", "sdist", "editable"]


def files_below(folder: str) -> dict[str, Path]:
    """Return the files that belong to the project, by their path inside ``folder``; links are not followed."""
    return {
        path.relative_to(ROOT / folder).as_posix(): path
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }


def expected() -> dict[str, Path]:
    """Return what a wheel must hold beside its metadata: path in the wheel → file of the checkout."""
    names = {f"os_faults/{name}": path for name, path in files_below("os_faults").items()}
    links = {link.name for link in (ROOT / "playbooks").iterdir() if link.is_symlink()}
    for name, path in files_below("playbooks").items():
        if name.split("/")[0] not in links:
            names[f"os_faults/playbooks/{name}"] = path
    for name, path in files_below("ansible_modules").items():
        folder = "" if name.startswith("module_utils/") else "library/"
        names[f"os_faults/playbooks/{folder}{name}"] = path
    return names


def run(*command: str | Path, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHONPATH"))}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=kept | environ,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@dataclass(frozen=True)
class Installed:
    """A virtual environment with os_faults in it, and an empty directory to work in."""

    way: str
    python: Path
    empty: Path

    def ask(self, expression: str) -> object:
        """Return the value that a Python expression has there."""
        code = f"import json, os_faults, os_faults.resources as resources; print(json.dumps({expression}))"
        return json.loads(run(self.python, "-c", code, cwd=self.empty).stdout)

    def ansible(self, tool: str, *words: str | Path, **environ: str) -> str:
        done = run(self.python, "-m", "ansible", tool, *words, cwd=self.empty, HOME=str(self.empty), **environ)
        return done.stdout + done.stderr


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build the three wheels without a network: the build backend is there already."""
    found = {}
    for way in WAYS:
        out = tmp_path_factory.mktemp(way)
        if way == "editable":  # what `pip install -e` asks of the backend
            run(sys.executable, "-c", f"from hatchling.build import build_editable as b; b({str(out)!r})", cwd=ROOT)
        else:
            words = ["--wheel"] if way == "wheel" else []
            run(sys.executable, "-m", "build", "--no-isolation", *words, "--outdir", out, ROOT, cwd=out)
        (found[way],) = out.glob("*.whl")
    return found


@pytest.fixture(scope="session", params=WAYS)
def installed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, wheels: dict[str, Path]
) -> Installed:
    way = request.param
    home = tmp_path_factory.mktemp(f"installed-{way}")
    venv.create(home / "venv", with_pip=False, symlinks=True)
    python = home / "venv" / "bin" / "python"
    pip = ["-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index"]
    run(sys.executable, *pip, wheels[way], cwd=home)
    inside = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home).stdout.strip()
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(inside, "zz_borrowed.pth").write_text("".join(f"{path}\n" for path in sorted(borrowed)))
    (home / "empty").mkdir()
    return Installed(way, python, home / "empty")


@pytest.mark.parametrize("way", ["wheel", "sdist"])
def test_wheel_holds_every_file_once(wheels: dict[str, Path], way: str) -> None:
    with zipfile.ZipFile(wheels[way]) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        twice = [name for name, times in Counter(names).items() if times > 1]
        want = expected()
        assert not twice
        assert sorted(set(want) - set(names)) == [], "missing from the wheel"
        assert sorted(set(names) - set(want)) == [], "not of the project"
        for name, path in want.items():
            assert archive.read(name) == path.read_bytes(), name


def test_wheel_says_what_it_is(wheels: dict[str, Path]) -> None:
    with zipfile.ZipFile(wheels["wheel"]) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = archive.read(name).decode()
        assert any(name.endswith("/licenses/LICENSE") for name in archive.namelist())
        assert "os_faults/py.typed" in archive.namelist()
    assert "\nName: os-faults\n" in metadata
    assert "\nLicense-Expression: Apache-2.0\n" in metadata


def test_it_is_this_install_that_is_tested(installed: Installed) -> None:
    package = Path(str(installed.ask("os_faults.__file__"))).parent
    if installed.way == "editable":
        assert package == ROOT / "os_faults"
        assert installed.ask("str(resources.playbooks_dir())") == str(ROOT / "playbooks")
    else:
        assert package.is_relative_to(installed.python.parents[1])
        assert installed.ask("str(resources.playbooks_dir())") == str(package / "playbooks")


def test_lists_every_playbook_and_module(installed: Installed) -> None:
    playbooks = sorted(path.name for path in (ROOT / "playbooks").glob("*.yml"))
    modules = sorted(path.name for path in (ROOT / "ansible_modules").glob("osf_*.py"))
    assert playbooks
    assert modules
    assert installed.ask("sorted(path.name for path in resources.playbooks_dir().glob('*.yml'))") == playbooks
    assert installed.ask("sorted(path.name for path in resources.modules_dir().glob('osf_*.py'))") == modules


def test_bare_ansible_accepts_every_playbook(installed: Installed) -> None:
    folder = Path(str(installed.ask("str(resources.playbooks_dir())")))
    playbooks = sorted(path for path in folder.glob("*.yml") if not path.name.endswith(".meta.yml"))
    assert playbooks
    output = installed.ansible("playbook", "--syntax-check", "-i", "localhost,", *playbooks)
    for playbook in playbooks:
        assert f"playbook: {playbook}" in output


def test_a_bare_playbook_finds_modules_and_their_shared_code(installed: Installed) -> None:
    """Runs the one playbook that only reads; without module_utils beside the playbooks it would fail."""
    folder = str(installed.ask("str(resources.playbooks_dir())"))
    local = ["-e", "ansible_connection=local", "-e", f"ansible_python_interpreter={sys.executable}"]
    output = installed.ansible("playbook", "-i", "node-1,", *local, f"{folder}/faults.yml")
    assert "node-1" in output
    assert "failed=0" in output


def test_every_driver_loads_by_its_entry_point(installed: Installed) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    names = installed.ask(
        "{group + ':' + point.name: point.load().NAME"
        f" for group in {list(declared)}"
        " for point in __import__('importlib.metadata').metadata.entry_points(group=group)}"
    )
    assert names == {f"{group}:{name}": name for group, points in declared.items() for name in points}


def test_command_line_starts(installed: Installed) -> None:
    done = run(installed.python.parent / "os-faults", "--help", cwd=installed.empty)
    assert "inject" in done.stdout


def test_version_is_newer_than_the_last_release_of_the_older_project(installed: Installed) -> None:
    version = str(installed.ask("__import__('importlib.metadata').metadata.version('os-faults')"))
    assert int(version.split(".")[0]) >= 1
