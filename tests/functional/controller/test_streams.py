"""Streams that are missing, full or gone, and a SIGCHLD that is ignored: what a program inherits from who starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.lone_host import HEAL, SERVICE, LoneHost, lone_host

pytestmark = pytest.mark.functional

BIN = Path(sys.executable).parent


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoneHost]:
    with lone_host() as host:
        monkeypatch.setenv("XDG_STATE_HOME", str(host.directory / "state"))
        monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # with it, nothing is left to be written at the end
        yield host


@pytest.fixture(params=["yes", "no"], ids=["warm", "cold"])
def warm_start(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_FAULTS_WARM_START", request.param)


def shell(host: LoneHost, script: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a shell's script, in which ``$F`` is ``os-faults`` with its configuration."""
    return subprocess.run(
        ["sh", "-c", f'F="{BIN}/os-faults -c {host.config}"\n{script}'],
        cwd=host.directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.mark.usefixtures("warm_start")
@pytest.mark.parametrize("closing", [">&-", ">&- 2>&- <&-"])
def test_streams_that_are_closed_stop_nothing_and_no_file_comes_in_their_place(host: LoneHost, closing: str) -> None:
    done = shell(host, f"$F inject freeze {SERVICE} --seconds 300 --yes {closing}; echo $? >code")
    assert (host.directory / "code").read_text() == "0\n", done.stderr
    assert host.state == "T"
    shell(host, f"$F -d {' '.join(HEAL)} {closing}; echo $? >code")
    assert (host.directory / "code").read_text() == "0\n"
    assert host.state == "S"
    (journal,) = host.directory.glob("state/os-faults/clouds/*.journal")
    assert [json.loads(line)["state"] for line in journal.read_text().splitlines()] == [
        "intended",
        "injected",
        *["ended"] * 2,
    ]


def test_a_question_without_anybody_to_answer_it(host: LoneHost) -> None:
    """There is no stream to ask whether it is a terminal."""
    cloud = json.loads(host.config.read_text())
    cloud["cloud_management"]["nodes"] = ["localhost", {"address": "127.0.0.1", "port": 1, "connection": "ssh"}]
    host.config.write_text(json.dumps(cloud))
    done = shell(host, f"$F inject kill {SERVICE} <&-; echo $?")
    assert "unexpected" not in done.stderr
    assert host.state == "S"


def test_a_result_that_can_not_be_written_is_told(host: LoneHost) -> None:
    host.remember()
    for words in ("nodes", "faults --output json", " ".join(HEAL), "inventory"):
        done = shell(host, f"$F {words} >/dev/full")
        assert done.returncode == 1
        assert done.stderr.endswith("os-faults: can't write the output: No space left on device\n")
        assert "unexpected" not in done.stderr


def test_help_that_can_not_be_written_is_told(host: LoneHost) -> None:
    for words in ("--help", "--version", "inject freeze --help", "completion bash"):
        done = shell(host, f"$F {words} >/dev/full")
        assert done.returncode == 1
        assert "No space left on device" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert shell(host, "$F --nonsense 2>/dev/full").returncode == 2


def test_what_can_not_be_told_stops_nothing(host: LoneHost) -> None:
    (host.directory / "state").write_text("in place of the directory")
    done = shell(host, "$F nodes 2>/dev/full")
    assert done.returncode == 0
    assert "fqdn" in done.stdout


DAEMON = """\
import os, sys
for descriptor in range(3):
    os.close(descriptor)
sys.stdin = sys.stdout = sys.stderr = None
import os_faults
with os_faults.connect(config_filename=sys.argv[1]) as cloud:
    cloud.get_service(sys.argv[2]).freeze()
os._exit(0)
"""


@pytest.mark.usefixtures("warm_start")
def test_a_daemon_without_streams(host: LoneHost) -> None:
    assert (
        subprocess.run([sys.executable, "-c", DAEMON, host.config, SERVICE], timeout=120, check=False).returncode == 0
    )
    assert host.state == "T"
    healed = shell(host, f"$F {' '.join(HEAL)}")
    assert (healed.returncode, host.state) == (0, "S"), healed.stderr


@pytest.mark.usefixtures("warm_start")
def test_a_command_whose_parent_ignores_the_end_of_children(host: LoneHost) -> None:
    begin = time.monotonic()
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", ignoring, BIN / "os-faults", "-c", host.config, "nodes"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - begin < 30, "it does not wait for its deadline"


IGNORING = """\
import os, signal, subprocess, sys, threading, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
import os_faults
def elsewhere(nodes):
    try:
        nodes.run_task({"command": "true"})
    except os_faults.OSFError as error:
        print(error)
with os_faults.connect(config_filename=sys.argv[1]) as cloud:
    nodes = cloud.get_nodes()
    print(signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN)
    child = subprocess.Popen(["true"])
    time.sleep(0.5)
    print(os.path.exists(f"/proc/{child.pid}"))
    thread = threading.Thread(target=elsewhere, args=(nodes,))
    thread.start()
    thread.join()
"""


@pytest.mark.usefixtures("warm_start")
def test_a_program_that_ignores_the_end_of_children_goes_on_doing_so(host: LoneHost) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IGNORING, host.config], capture_output=True, text=True, timeout=120, check=False
    )
    ignored, zombie, elsewhere = done.stdout.splitlines()
    assert (ignored, zombie) == ("True", "False"), done.stderr
    assert elsewhere.startswith("this program ignores SIGCHLD"), "another thread can't change that, and is told"


def test_the_present_directory_is_gone(host: LoneHost) -> None:
    for words, code, told in (
        ("nodes", 0, ""),
        ("--artifacts-dir runs nodes", 2, "can't tell where 'runs' is: the current directory is gone"),
        ("discover out.yml", 2, "can't tell where 'out.yml' is: the current directory is gone"),
    ):
        done = shell(host, f"mkdir gone; cd gone; rmdir ../gone; $F {words}")
        assert done.returncode == code, done.stderr
        assert told in done.stderr


ODD = [b"blank and 100% ; # , :", b"$HOME", b"${PATH}x", b"{{ 1 }}", b"b\xff", b"l\nb", b"\x1b[31m", "ü".encode()]


@pytest.mark.parametrize("name", ODD, ids=map(repr, ODD))
def test_odd_paths(host: LoneHost, name: bytes) -> None:
    """In the path of the artifacts, in HOME and in the present directory: it works, or one sentence says why not."""
    place = os.path.join(os.fsencode(host.directory), name)
    os.mkdir(place)
    config = os.path.join(place, b"os-faults.json")
    os.rename(host.config, config)
    environ = {**os.environb, b"HOME": place, b"PATH": place + b":" + os.environb[b"PATH"]}
    del environ[b"XDG_STATE_HOME"]

    def do(*words: str) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            [BIN / "os-faults", *words], cwd=place, env=environ, capture_output=True, timeout=120, check=False
        )
        assert not set(done.stdout + done.stderr) & {0x1B, 0xFF}, "nor is it a way to the terminal"
        return done

    injected = do("inject", "freeze", SERVICE, "--yes")
    if injected.returncode == 0:
        assert host.state == "T"
    else:
        assert injected.returncode == 2
        assert b"so nothing was touched" in injected.stderr
    healed = do(*HEAL)
    assert healed.returncode == 0, healed.stderr
    assert host.state == "S"
