"""The disk of the state is full, nearly full, or fills in the middle of a run; on a real one of a few megabytes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from support import commands
from support.lone_host import HEAL, HOLD, SERVICE, LoneHost, lone_host
from support.other_user import private_mounts

from os_faults import ConfigError, OSFError, connect

pytestmark = [pytest.mark.functional, private_mounts]

MB = 1024 * 1024
LOOKS = (["nodes"], ["verify"], ["services"], ["containers"], ["faults"], HEAL)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small file system that has the state; it is taken away afterwards, whatever happens."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={12 * MB}", "none", disk], check=True)
    monkeypatch.setenv("XDG_STATE_HOME", str(disk))
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def fill(disk: Path, left: int) -> None:
    (disk / "filling").unlink(missing_ok=True)
    about = os.statvfs(disk)
    with (disk / "filling").open("wb") as file:
        file.write(bytes(about.f_bavail * about.f_frsize - left))


def do(host: LoneHost, *words: Sequence[str], removed: Path | None = None) -> list[commands.Done]:
    """Run commands in one process; ``removed`` is removed before each."""
    return commands.read(
        subprocess.run(
            [sys.executable, *commands.argv(host.config, words, removed)],
            cwd=host.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    )


@pytest.mark.parametrize("left", [0, 76 * 1024], ids=["full", "76 kB are left"])
def test_what_looks_and_heals_goes_on_and_what_breaks_is_refused(disk: Path, left: int) -> None:
    breaks = [("inject", verb, SERVICE, "--yes") for verb in ("freeze", "kill")]
    with lone_host() as host:
        host.remember()
        fill(disk, left)
        (*looks, freeze, kill) = do(host, *LOOKS, *breaks)
        for done in looks:
            assert done.went_on, done
            assert "unexpected" not in done.stderr
        assert sum(done.stderr.count("can't keep the artifacts") for done in looks) == 1, "told once"
        for done in (freeze, kill):
            assert done.returncode == 2, done
            assert "nothing was" in done.stderr
        assert host.state == "S"


@pytest.mark.parametrize("left", [0, 76 * 1024], ids=["full", "76 kB are left"])
def test_a_fault_from_before_is_listed_and_healed_by_another_process(disk: Path, left: int) -> None:
    with lone_host() as host:
        (frozen,) = do(host, ["inject", "freeze", SERVICE, "--seconds", "300", "--yes"])
        assert (frozen.returncode, host.state) == (0, "T"), frozen
        fill(disk, left)
        listed, healed = do(host, ["faults"], HEAL)
        assert HOLD in listed.stdout, listed
        assert healed.returncode == 0, healed
        assert f"took back {HOLD}" in healed.stdout
        assert host.state == "S"


def test_one_rule_holds_for_the_whole_session(disk: Path) -> None:
    with lone_host() as host, connect(config_filename=host.config) as cloud:
        host.remember()
        fill(disk, 0)
        nodes = cloud.get_nodes()
        service = cloud.get_service(SERVICE)
        for _ in range(2):
            with pytest.raises(ConfigError, match=r"nothing was (touched|done)"):
                service.freeze()
            with pytest.raises(ConfigError, match="nothing was touched"):
                nodes.run_task({"command": "true"})
            assert cloud.faults() is not None
            assert service.unfreeze(), "what gives something back goes on"
            assert cloud.heal([HOLD])
        (disk / "filling").unlink()
        with cloud.injected(service.action("freeze"), seconds=60):
            assert host.state == "T", "with room again it goes on"
        assert HOLD not in [fault.id for fault in cloud.faults()]


FILLER = """\
#!/bin/sh
[ -e {switch} ] && {{ cat /dev/zero > {disk}/filling; }} 2>/dev/null
exec {python} "$@"
"""


@pytest.fixture
def filling_host(disk: Path, tmp_path: Path) -> Iterator[LoneHost]:
    """Its Python fills the disk first, when there is a file ``switch``: in the middle of a run."""
    filler = tmp_path / "filler"
    filler.write_text(FILLER.format(switch=tmp_path / "switch", disk=disk, python=sys.executable))
    filler.chmod(0o755)
    with lone_host(str(filler)) as host:
        yield host


def test_a_disk_that_fills_in_the_middle_stops_nobody_who_looks_or_heals(
    disk: Path, filling_host: LoneHost, tmp_path: Path
) -> None:
    filling_host.remember()
    (tmp_path / "switch").touch()
    for done in do(filling_host, *LOOKS, removed=disk / "filling"):
        assert done.went_on, done
        assert "unexpected" not in done.stderr


FREEZE = """\
import pathlib, sys
import os_faults
with os_faults.connect(config_filename=sys.argv[1]) as cloud:
    service = cloud.get_service(sys.argv[2])
    cloud.get_nodes()
    pathlib.Path(sys.argv[3]).touch()
    try:
        service.freeze()
    except os_faults.AnsibleExecutionException as error:
        print(error)
    print([fault.id for fault in cloud.faults()])
"""


def test_a_disk_that_fills_in_the_middle_of_a_fault_leaves_none(filling_host: LoneHost, tmp_path: Path) -> None:
    words = (filling_host.config, SERVICE, tmp_path / "switch")
    done = subprocess.run(
        [sys.executable, "-c", FREEZE, *words], capture_output=True, text=True, timeout=120, check=False
    )
    told, faults = done.stdout.splitlines()
    assert "No space left on device" in told
    assert HOLD not in faults
    assert filling_host.state == "S"
    assert "taking back" in done.stderr


def test_the_library_raises_nothing_that_is_not_its_own(disk: Path) -> None:
    with lone_host() as host:
        host.remember()
        fill(disk, 0)
        with connect(config_filename=host.config) as cloud:
            for goes_on in (cloud.get_nodes, cloud.verify, cloud.faults, lambda: cloud.heal([HOLD])):
                goes_on()
            for refused in (cloud.get_service(SERVICE).freeze, cloud.get_service(SERVICE).kill):
                with pytest.raises(OSFError):
                    refused()
