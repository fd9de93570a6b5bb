"""``os-faults demo`` as people start it: it shows what it says, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.other_user import opening, private_mounts

pytestmark = pytest.mark.functional

COMMAND = str(Path(sys.executable).with_name("os-faults"))
STRANGER = 65534
"""A user who owns nothing: nobody."""


class Demo:
    """Starts the demo with a directory of its own for everything temporary.

    Args:
        directory: that directory.
        uid: the user who runs it.
    """

    def __init__(self, directory: Path, uid: int) -> None:
        self.directory = directory
        self.uid = uid
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        self.environ["TMPDIR"] = str(directory)
        self.command = [COMMAND]
        if uid != os.geteuid():
            drop = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
            script = "\n".join(["set -e", *opening(directory), 'exec "$@"'])
            self.command = ["unshare", "-m", "sh", "-c", script, "sh", *drop, COMMAND]
            self.environ["HOME"] = "/nonexistent"
            os.chown(directory, uid, uid)

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.command, *words, "demo"],
            cwd="/",
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def processes(self) -> list[str]:
        """Return the command lines of everything that the demo started and that still runs."""
        return [line for line in command_lines() if str(self.directory) in line]

    def holds(self) -> list[str]:
        """Return the names of the records that the demo's services have on this machine."""
        root = Path("/run/os-faults" if self.uid == 0 else f"/tmp/os-faults-{self.uid}")
        found = root.glob("*") if root.is_dir() else ()
        return [path.name for path in found if path.name.startswith(("freeze-web-", "freeze-api-", "terminate-api-"))]

    def left(self) -> list[str]:
        """Return everything that is left of the demo."""
        return [*self.processes(), *self.holds(), *map(str, self.directory.iterdir())]


def command_lines() -> Iterator[str]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                yield (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue


def wait(true: Callable[[], object], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.02)
    return False


def read_until(demo: subprocess.Popen[str], words: str) -> None:
    """Read what the demo tells while it goes on, until a line has these words."""
    assert demo.stderr is not None
    told = []
    for line in demo.stderr:
        told.append(line)
        if words in line:
            return
    raise AssertionError(f"the demo ended before {words!r}: {''.join(told)}")


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    directory = tmp_path / "demo"
    directory.mkdir()
    return Demo(directory, os.geteuid())


@pytest.fixture
def stranger() -> Iterator[Demo]:
    with tempfile.TemporaryDirectory(prefix="osf-", dir="/tmp") as directory:  # tmp_path is closed to others
        yield Demo(Path(directory), STRANGER)


def check_steps(found: dict[str, object]) -> None:
    steps = {step["done"]: step for step in found["steps"]}  # type: ignore[attr-defined]
    assert list(steps) == [
        "discover", "start", "kill; start", "freeze for 3 s", "freeze; heal", "restart", "terminate; heal", "faults",
    ]  # fmt: skip
    assert all(step["ok"] for step in steps.values()), steps
    assert found["schema"] == 1
    assert found["ok"] is True
    for done, least, most in [("kill; start", 1, 60), ("freeze for 3 s", 2, 30), ("freeze; heal", 0.5, 60)]:
        assert least < steps[done]["away"] < most, steps[done]
        assert steps[done]["away"] < steps[done]["seconds"]
    assert "freeze; heal" in steps
    assert "listed among the faults" in steps["freeze; heal"]["seen"]
    assert any("unplug" in sentence for sentence in found["not_shown"])  # type: ignore[attr-defined]


@pytest.mark.each_line
def test_demo(demo: Demo) -> None:
    running = demo.start("--output", "json")
    out, err = running.communicate(timeout=240)
    assert running.returncode == 0, err
    check_steps(json.loads(out))
    assert len(err.splitlines()) == 9
    assert demo.left() == []


@private_mounts
def test_demo_as_an_unprivileged_user_without_a_home(stranger: Demo) -> None:
    running = stranger.start()
    out, err = running.communicate(timeout=240)
    assert running.returncode == 0, err
    assert out.startswith("DONE")
    assert "not shown: unplug" in out
    assert " NO\n" not in out
    assert stranger.left() == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_of_a_fault_leaves_nothing(demo: Demo, number: signal.Signals, code: int) -> None:
    running = demo.start()
    read_until(running, "kill; start")
    assert wait(lambda: any(name.startswith("freeze-web-") for name in demo.holds()))
    os.killpg(running.pid, number)
    out, err = running.communicate(timeout=120)
    assert running.returncode == code, err
    assert out == ""
    assert number.name in err
    assert "Traceback" not in err
    assert demo.left() == []


def test_services_of_a_demo_that_was_killed_end_by_themselves(demo: Demo) -> None:
    running = demo.start()
    read_until(running, "start api-")
    assert any("service.py" in line for line in demo.processes())
    running.kill()
    running.communicate(timeout=60)
    assert wait(lambda: not [line for line in demo.processes() if "service.py" in line], 30)
    assert wait(lambda: not demo.processes(), 60)


def test_the_demo_takes_no_configuration(demo: Demo) -> None:
    running = demo.start("--cloud", "mine")
    _out, err = running.communicate(timeout=60)
    assert running.returncode == 2
    assert "its own cloud" in err
