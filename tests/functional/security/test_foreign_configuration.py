"""A configuration that lies in the present directory, where somebody else could have put or changed it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.other_user import BIN, STRANGER, as_root, call

pytestmark = [pytest.mark.functional, as_root]

PROGRAM = """\
#!/bin/sh
id > {canary}
exec {python} "$@"
"""
CLOUDS = {"clouds": {"lab": {}}}


class Place:
    """A directory with a configuration whose nodes are asked by a program that leaves a trace.

    Attributes:
        directory: where it lies.
        config: the file.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "project"
        self.directory.mkdir()
        self.canary = directory / "canary"
        program = directory / "program"
        program.write_text(PROGRAM.format(canary=self.canary, python=sys.executable))
        program.chmod(0o755)
        self.block = {
            "cloud_management": {
                "driver": "universal",
                "nodes": ["localhost"],
                "connection": "local",
                "python_interpreter": str(program),
                "password": {"file": str(directory / "no-such-secret")},
            }
        }
        self.config = self.directory / "os-faults.json"
        self.env = {name: str(directory / name) for name in ("HOME", "XDG_STATE_HOME")}

    def write(self, *, secret: bool = False) -> None:
        if not secret:
            del self.block["cloud_management"]["password"]
        self.config.write_text(json.dumps(self.block))

    def __call__(self, *words: str, **env: str) -> tuple[int, str]:
        """Run ``os-faults`` in the directory; return its exit code and what it said on stderr."""
        done = call(BIN / "os-faults", *words, cwd=self.directory, env={**self.env, **env})
        return done.returncode, done.stderr


@pytest.fixture
def place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="foreign-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        yield Place(Path(directory))


def test_ones_own_is_used(place: Place) -> None:
    place.write()
    assert place("nodes") == (0, "")
    assert place.canary.exists()


def refused(place: Place, why: str) -> None:
    code, told = place("nodes")
    assert code == 2
    assert told == (
        f"os-faults: {place.config} was found in the current directory and is not used, as {why}; "
        "name it with --config or OS_FAULTS_CONFIG\n"
    )
    assert not place.canary.exists()
    assert place("-c", str(place.config), "nodes") == (0, ""), "who names it may use it"
    assert place("nodes", OS_FAULTS_CONFIG=str(place.config)) == (0, "")


@pytest.mark.parametrize("mode", [0o777, 0o1777], ids=["open", "sticky"])
def test_a_directory_that_everybody_may_write_to(place: Place, mode: int) -> None:
    place.write()
    place.directory.chmod(mode)
    refused(place, f"others may write to {place.directory}")


def test_a_file_that_everybody_may_write_to(place: Place) -> None:
    place.write()
    place.config.chmod(0o666)
    refused(place, f"others may write to {place.config}")


def test_a_file_of_another_user(place: Place) -> None:
    place.write()
    os.chown(place.config, STRANGER, STRANGER)
    refused(place, f"{place.config} belongs to the user {STRANGER}")


def test_a_directory_of_another_user(place: Place) -> None:
    place.write()
    os.chown(place.directory, STRANGER, STRANGER)
    refused(place, f"{place.directory} belongs to the user {STRANGER}")


def test_a_directory_that_another_user_could_replace(place: Place) -> None:
    place.write()
    place.directory.parent.chmod(0o777)
    refused(place, f"others may write to {place.directory.parent}")


def test_a_link_to_a_file_of_another_user(place: Place) -> None:
    place.write()
    real = place.directory.parent / "real.json"
    place.config.rename(real)
    place.config.symlink_to(real)
    os.chown(real, STRANGER, STRANGER)
    refused(place, f"{real} belongs to the user {STRANGER}")


def test_no_other_configuration_is_used_in_its_place(place: Place) -> None:
    """It would be another cloud."""
    place.write()
    place.config.chmod(0o666)
    other = Path(place.env["HOME"]) / ".config" / "os-faults"
    other.mkdir(parents=True)
    (other / "os-faults.yml").write_text(json.dumps(place.block))
    assert place("nodes")[0] == 2


def test_its_secrets_are_not_looked_for(place: Place) -> None:
    place.write(secret=True)
    place.config.chmod(0o666)
    assert "no-such-secret" not in place("nodes")[1]
    place.config.chmod(0o600)
    assert "no-such-secret" in place("nodes")[1]


def test_completion_reads_none_either(place: Place) -> None:
    place.block["services"] = {"shop": {"driver": "systemd", "units": ["shop.service"]}}
    place.write()
    words = {"_OS_FAULTS_COMPLETE": "bash_complete", "COMP_WORDS": "os-faults inject kill sh", "COMP_CWORD": "3"}
    done = call(BIN / "os-faults", cwd=place.directory, env={**place.env, **words})
    assert done.stdout == "plain,shop\n"
    place.config.chmod(0o666)
    done = call(BIN / "os-faults", cwd=place.directory, env={**place.env, **words})
    assert (done.stdout.strip(), done.stderr) == ("", "")


@pytest.mark.parametrize("name", ["clouds.yaml", "secure.yaml"])
def test_clouds_yaml_and_what_is_laid_over_it(place: Place, name: str) -> None:
    place.write()
    place.config.unlink()
    for each in ("clouds.yaml", "secure.yaml"):
        (place.directory / each).write_text(json.dumps({"clouds": {"lab": {"os_faults": place.block}}}))
    assert place("--cloud", "lab", "nodes") == (0, "")
    place.canary.unlink()
    (place.directory / name).chmod(0o666)
    variable = {"clouds.yaml": "OS_CLIENT_CONFIG_FILE", "secure.yaml": "OS_CLIENT_SECURE_FILE"}[name]
    code, told = place("--cloud", "lab", "nodes")
    assert code == 2
    assert told.endswith(f"others may write to {place.directory / name}; name it with {variable}\n")
    assert not place.canary.exists()
    assert place("--cloud", "lab", "nodes", **{variable: str(place.directory / name)}) == (0, "")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to(path)], ids=["FIFO", "dir", "loop"])
def test_what_is_no_file_is_not_waited_for(place: Place, make: object) -> None:
    make(place.directory / "os-faults.yml")
    code, told = place("nodes")
    assert code == 2
    assert "no configuration found" in told


def test_a_home_that_cannot_be_looked_into_is_no_defect(place: Place) -> None:
    closed = Path(place.env["HOME"])
    closed.mkdir(mode=0o700)
    done = call(BIN / "os-faults", "nodes", cwd=place.directory, env=place.env, uid=STRANGER)
    assert done.returncode == 2
    assert "no configuration found" in done.stderr
