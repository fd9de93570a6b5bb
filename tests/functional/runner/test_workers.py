"""Workers behind a real sshd, one with the real ansible-runner, one whose program lies (needs root)."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.local_sshd import LocalSshd, local_sshd, needs_sshd
from support.programs import PATH

from os_faults import Cloud, Node, NodeCollection, Result, Status, connect
from os_faults.ansible.workers import share
from os_faults.model import Auth

pytestmark = [pytest.mark.functional, needs_sshd]

HONEST, LIAR = "127.0.0.4", "127.0.0.5"
"""The addresses of two workers; with those of the nodes they are all this machine."""
NODES = {"good.local": "127.0.0.2", "other.local": "127.0.0.3"}
LYING = """\
#!{python} -I
# Takes what is transmitted, and answers what lies beside it.
import json, sys, time
from pathlib import Path

here = Path(__file__).parent
while line := sys.stdin.buffer.readline():
    if line.rstrip().endswith(b'{{"eof": true}}'):
        break
sys.stdout.buffer.write((here / "answer").read_bytes())
sys.stdout.buffer.flush()
if (here / "slow").exists():
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSshd]:
    """The sshd that is every host of these tests; beside its keys are its known hosts."""
    with local_sshd(tmp_path_factory.mktemp("sshd")) as sshd:
        host = (sshd.folder / "host.pub").read_text()
        known = [f"[{address}]:{sshd.port} {host}" for address in (*NODES.values(), HONEST, LIAR)]
        (sshd.folder / "known_hosts").write_text("".join(known))
        yield sshd


@pytest.fixture
def liar(tmp_path: Path) -> Path:
    """The folder of the program that lies; what it answers is its file `answer`."""
    folder = tmp_path / "liar"
    folder.mkdir()
    (folder / "ansible-runner").write_text(LYING.format(python=sys.executable))
    (folder / "ansible-runner").chmod(0o700)
    return folder


@pytest.fixture
def cloud(sshd: LocalSshd, liar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    login = {"username": "root", "private_key_file": sshd.key, "port": sshd.port}
    honest = str(Path(sys.executable).with_name("ansible-runner"))
    config = {
        "cloud_management": {"driver": "universal", "nodes": list(NODES.values()), **login},
        "ssh": {"host_key_policy": "strict", "known_hosts": str(sshd.folder / "known_hosts")},
        "workers": [
            {"address": HONEST, **login, "ansible_runner": honest, "nodes": ["good.local"]},
            {"address": LIAR, **login, "ansible_runner": str(liar / "ansible-runner"), "nodes": ["other.local"]},
        ],
        "artifacts_dir": str(tmp_path / "runs"),
    }
    with connect(config) as connected:
        yield connected


@pytest.fixture
def asked(cloud: Cloud, sshd: LocalSshd) -> Callable[[], Result]:
    """Let each worker do a task on its node."""
    auth = Auth("root", private_key_file=sshd.key, port=sshd.port)
    nodes = NodeCollection([Node(name, address, auth=auth) for name, address in NODES.items()], cloud)
    return lambda: nodes.run_task({"ansible.builtin.command": "echo done"}, raise_on_error=False)


def event(kind: str, host: str | None = None, **about: Any) -> str:
    data = {"task_action": "ansible.builtin.command", "res": {"stdout": "a lie"}, **about}
    told = {"event": kind, "uuid": "a-1", "counter": 1, "event_data": {**data, **({"host": host} if host else {})}}
    return json.dumps(told) + "\n"


def packed(members: dict[str, str], link: str = "") -> str:
    """Return the lines of an archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            about = zipfile.ZipInfo(name)
            about.external_attr = ((stat.S_IFLNK | 0o777) if name == link else (stat.S_IFREG | 0o600)) << 16
            archive.writestr(about, content)
    content = file.getvalue()
    return json.dumps({"zipfile": len(content)}) + "\n" + base64.b64encode(content).decode()


END = '{"status": "successful"}\n{"eof": true}\n'
STATS = event("playbook_on_stats", ok={"other.local": 1})


def left_of(there: Path = Path("/dev/shm")) -> set[str]:
    return {path.name for path in there.glob("osf-*")}


def test_a_worker_answers_for_its_own_nodes(asked: Callable[[], Result], liar: Path) -> None:
    """What it says of them is believed, as if they themselves had said it."""
    before = left_of()
    (liar / "answer").write_text(event("runner_on_ok", "other.local") + STATS + packed({"rc": "0"}) + END)
    result = asked()
    assert {name: (host.status, host.stdout) for name, host in result.items()} == {
        "good.local": (Status.OK, "done"),
        "other.local": (Status.OK, "a lie"),
    }
    artifacts = Path(str(result.artifacts), "artifacts", "run")
    assert "PLAY RECAP" in (artifacts / "stdout").read_text()
    assert (artifacts / "rc").read_text() == "0"
    assert left_of() == before


LIES = {
    "another node": (
        event("runner_on_ok", "good.local") + STATS + END,
        r"it sent an event of 'good\.local', which is",
    ),
    "an archive with a link": (
        STATS + packed({"rc": "0", "stdout": "/etc/shadow"}, "stdout") + END,
        "it sent an archive in which stdout is not a plain file",
    ),
    "an identity that is a path": (
        STATS.replace('"a-1"', '"../../../../lie"') + END,
        "it sent an event without a valid uuid",
    ),
    "a time-out": ('{"status": "timeout"}\n' + END, "it reported a time-out before its deadline"),
    "no answer": ("command not found\n", "it sent a line that is not from ansible-runner: 'command not found"),
    "half an answer": (event("runner_on_ok", "other.local"), "it ended in the middle of its answer"),
}


@pytest.mark.parametrize(("answer", "sentence"), LIES.values(), ids=LIES)
def test_a_worker_that_lies_is_named_and_the_others_go_on(
    asked: Callable[[], Result], liar: Path, answer: str, sentence: str
) -> None:
    (liar / "answer").write_text(answer)
    result = asked()
    assert (result["good.local"].status, result["good.local"].stdout) == (Status.OK, "done")
    lied = result["other.local"]
    assert lied.status is Status.UNREACHABLE
    assert lied.message.startswith(f"its worker {LIAR} was lost (")
    assert re.search(sentence, lied.message), lied.message


def test_a_worker_writes_nowhere(asked: Callable[[], Result], liar: Path, tmp_path: Path) -> None:
    """The archive that ansible-runner itself would unpack through a link of its own."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    members = {"out": str(elsewhere), "out/authorized_keys": "evil", "../../../outside": "evil", "rc": "0"}
    (liar / "answer").write_text(event("runner_on_ok", "other.local") + STATS + packed(members, "out") + END)
    result = asked()
    assert result["other.local"].ok
    assert list(elsewhere.iterdir()) == []
    assert not [path for path in tmp_path.rglob("*") if path.name in ("authorized_keys", "outside", "out")]


def test_a_worker_that_does_not_end_is_given_up(
    asked: Callable[[], Result], liar: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(share, "_GRACE", 2)
    (liar / "answer").write_text(event("runner_on_ok", "other.local") + STATS + END)
    (liar / "slow").touch()
    result = asked()
    assert result["good.local"].ok
    assert "it did not end within 2 s after its answer" in result["other.local"].message


def test_the_agent_is_forwarded_only_where_no_key_is_named(
    asked: Callable[[], Result], cloud: Cloud, liar: Path, sshd: LocalSshd, tmp_path: Path
) -> None:
    """Seen by what is asked of ssh: a real agent is there, and sshd would forward it."""
    seen = tmp_path / "seen"
    (liar / "ansible-runner").write_text(f'#!/bin/sh\necho "${{SSH_AUTH_SOCK:-none}}" >>{seen}\n')
    agent = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    told = dict(word.split("=", 1) for line in agent.splitlines() for word in line.split(";")[:1] if "=" in word)
    subprocess.run(["ssh-add", "-q", sshd.key], env={"PATH": PATH, **told}, check=True)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSH_AUTH_SOCK", told["SSH_AUTH_SOCK"])
            asked()
            without_key = Node("other.local", NODES["other.local"], auth=Auth("root", port=sshd.port))
            NodeCollection([without_key], cloud).run_task({"ansible.builtin.ping": {}}, raise_on_error=False)
    finally:
        os.kill(int(told["SSH_AGENT_PID"]), signal.SIGTERM)
    first, second = seen.read_text().splitlines()
    assert first == "none"
    assert second.startswith("/")
