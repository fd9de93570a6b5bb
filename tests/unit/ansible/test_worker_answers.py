"""What is taken of the answer of a worker, and what no honest worker sends."""

from __future__ import annotations

import base64
import io
import json
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, cast

import pytest

from os_faults.ansible.workers import answer as answers
from os_faults.ansible.workers.answer import Answer
from os_faults.ansible.workers.bundle import pack
from os_faults.ansible.workers.errors import ProtocolViolation
from os_faults.ansible.workers.output import OutputTail
from os_faults.config import SshConfig
from os_faults.model import Action, Node

EOF = {"eof": True}
EVENT = {"event": "runner_on_ok", "counter": 1, "uuid": "a1-b2", "event_data": {"host": "ours", "res": {}}}
HONEST = {"rc": b"0", "stdout": b"PLAY RECAP", "stderr": b"", "job_events/1-a.json": b"{}", "command": b"x"}


def archive(members: dict[str, bytes], links: Iterable[str] = (), **how: Any) -> bytes:
    """Return a zip; the names in ``links`` are symbolic links there, as ansible-runner packs them."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression=how.get("compression", zipfile.ZIP_DEFLATED)) as packed:
        for name, content in members.items():
            about = zipfile.ZipInfo(name)
            about.compress_type = how.get("compression", zipfile.ZIP_DEFLATED)
            about.external_attr = ((stat.S_IFLNK | 0o777) if name in links else (stat.S_IFREG | 0o600)) << 16
            packed.writestr(about, content)
    return file.getvalue()


def stream(*parts: Any) -> bytes:
    """Return what a worker sends: dictionaries are lines, bytes are an archive, text is sent as it is."""
    sent = b""
    for part in parts:
        if isinstance(part, str):
            sent += part.encode()
        elif isinstance(part, bytes):
            sent += json.dumps({"zipfile": len(part)}).encode() + b"\n" + base64.b64encode(part)
        else:
            sent += json.dumps(part).encode() + b"\n"
    return sent


def taken(sent: bytes, private: Path) -> tuple[Answer, list[dict[str, Any]], list[str]]:
    """Return the answer that was read, its events, and its statuses."""
    heard: list[dict[str, Any]] = []
    noted: list[str] = []
    answer = Answer(
        io.BytesIO(sent),
        str(private),
        ["ours"],
        lambda event: heard.append(event) or False,  # type: ignore[func-returns-value]
        lambda data, runner_config: noted.append(data["status"]),
    )
    answer.run()
    return answer, heard, noted


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_an_honest_answer_is_taken(tmp_path: Path) -> None:
    keepalive = {"event": "keepalive", "counter": 0, "uuid": 0}
    sent = stream({"status": "running"}, EVENT, keepalive, archive(HONEST), {"status": "successful"}, EOF)
    answer, heard, noted = taken(sent, tmp_path)
    assert answer.is_whole
    assert answer.files == {name: HONEST[name] for name in ("rc", "stdout", "stderr")}
    assert (heard, noted) == ([EVENT], ["running", "successful"])
    assert files_below(tmp_path) == []


def test_what_a_login_shell_prints_before_the_answer_is_passed_over(tmp_path: Path) -> None:
    answer, heard, _ = taken(stream("Welcome\n", "[to] this host\n\n", EVENT, EOF), tmp_path)
    assert (answer.is_whole, heard) == (True, [EVENT])
    with pytest.raises(ProtocolViolation, match="not from ansible-runner: 'no such file"):
        taken(stream("no such file\n"), tmp_path)


def test_an_answer_that_is_cut_off_is_not_whole(tmp_path: Path) -> None:
    answer, heard, _ = taken(stream(EVENT), tmp_path)
    assert (answer.is_whole, heard) == (False, [EVENT])


@pytest.mark.parametrize(
    ("members", "links"),
    [
        ({"out": b"ELSEWHERE", "out/authorized_keys": b"ssh-ed25519 evil"}, ["out"]),
        ({"../outside": b"x", "../../outside": b"x", "ELSEWHERE/absolute": b"x"}, []),
        ({"stdout/../../outside": b"x", "rc": b"0"}, []),
        ({"fifo": b"", "device": b""}, []),
    ],
)
def test_nothing_of_an_archive_is_unpacked(members: dict[str, bytes], links: list[str], tmp_path: Path) -> None:
    elsewhere, private = tmp_path / "elsewhere", tmp_path / "a" / "b"
    elsewhere.mkdir()
    private.mkdir(parents=True)
    there = str(elsewhere).encode()
    told = {
        name.replace("ELSEWHERE", str(elsewhere)): content.replace(b"ELSEWHERE", there)
        for name, content in members.items()
    }
    answer, _, _ = taken(stream(archive(told, links), EOF), private)
    assert set(answer.files) <= {"rc"}
    assert files_below(tmp_path) == ["a", "a/b", "elsewhere"]


def test_a_file_that_is_too_long_is_cut(tmp_path: Path) -> None:
    """What is nothing but zeros is small in an archive."""
    bomb = archive({"stdout": bytes(8 * answers.FILE), "rc": b"0"})
    assert len(bomb) < answers.ARCHIVE
    answer, _, _ = taken(stream(bomb, EOF), tmp_path)
    assert len(answer.files["stdout"]) < answers.FILE + 100
    assert answer.files["stdout"].endswith(b"(the rest was cut off)\n")
    assert answer.files["rc"] == b"0"


def test_an_archive_that_is_too_large_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(answers, "ARCHIVE", 100)
    answer, heard, _ = taken(stream(archive(HONEST), EVENT, EOF), tmp_path)
    assert (answer.is_whole, answer.files, heard) == (True, {}, [EVENT])
    assert "more than 100: none of them are kept" in caplog.text


DECEITS = {
    "a node of another": (
        [{**EVENT, "event_data": {"host": "theirs"}}],
        "sent an event of 'theirs', which is not one of",
    ),
    "a node that is none": (
        [{**EVENT, "event_data": {"host": ["ours"]}}],
        r"sent an event of \"\['ours'\]\", which is not",
    ),
    "an event that is a text": ([{**EVENT, "event_data": "x"}], "sent an invalid event"),
    "an event without a word": ([{**EVENT, "event": ["x"]}], "sent an invalid event"),
    "statistics that are none": (
        [{**EVENT, "event": "playbook_on_stats", "event_data": {"failures": 5}}],
        "sent invalid statistics",
    ),
    "a path for an identity": ([{**EVENT, "uuid": "../../../x"}], "sent an event without a valid uuid"),
    "no identity": ([{**EVENT, "uuid": None}], "sent an event without a valid uuid"),
    "no JSON": ([EVENT, "no such file\n"], "sent a line that is not from ansible-runner: 'no such file"),
    "a list": ([EVENT, "[1]\n"], "sent a line that is not from ansible-runner"),
    "deep": ([EVENT, "[" * 100_000 + "\n"], "sent a line that is not from ansible-runner"),
    "too many events": ([EVENT] * 12_000, "sent more events than a run can have"),
    "a link": (
        [archive({"stdout": b"/etc/shadow", "rc": b"0"}, ["stdout"])],
        "an archive in which stdout is not a plain file",
    ),
    "no exit code": ([archive({"rc": b"0; id"})], "sent an exit code that is not a number"),
    "odd compression": (
        [archive({"rc": b"0"}, compression=zipfile.ZIP_LZMA)],
        "an archive in which rc is not a plain file",
    ),
    "no archive": ([b"PK nothing of the kind"], "sent an archive that can't be read"),
    "a broken member": ([archive({"rc": b"0" * 99}).replace(b"rc", b"RC", 1)], "sent an archive that can't be read"),
    "an archive that ends": (['{"zipfile": 9999}\nQUJD'], "sent an archive that is cut off"),
    "an archive in other letters": (['{"zipfile": 6}\n!!!!!!!!'], "sent an archive that is cut off, or none"),
    "a size that is none": (['{"zipfile": -1}\n'], "sent an archive without a size"),
    "more than the whole": (['{"zipfile": 99999999999}\n'], "sent more than"),
}


@pytest.mark.parametrize(("parts", "sentence"), DECEITS.values(), ids=DECEITS)
def test_what_no_honest_worker_sends_is_refused(parts: list[Any], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ProtocolViolation, match=sentence):
        taken(stream(*parts, EOF), tmp_path)
    assert files_below(tmp_path) == []


class Endless(io.RawIOBase):
    """A stream that never ends, and says how much of it was read."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        begin = self.given % len(self.text)
        part = (self.text * (len(buffer) // len(self.text) + 2))[begin : begin + len(buffer)]
        buffer[:] = part
        self.given += len(part)
        return len(part)


@pytest.mark.parametrize(
    ("text", "sentence", "most"),
    [
        (b"x", "sent a line of more than 1000 bytes", 20_000),
        (
            json.dumps({"event": "keepalive"}).encode() + b"\n",
            "sent more than 100000 bytes",
            120_000,
        ),
    ],
)
def test_an_endless_answer_is_given_up(
    text: bytes, sentence: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, bound in {"LINE": 1000, "WHOLE": 100_000}.items():
        monkeypatch.setattr(answers, name, bound)
    endless = Endless(text)
    stream = io.BufferedReader(endless)
    with pytest.raises(ProtocolViolation, match=sentence):
        Answer(cast("IO[bytes]", stream), str(tmp_path), ["ours"], lambda _: False, lambda *_: None).run()
    assert endless.given < most


def test_of_what_is_said_beside_the_answer_the_end_is_kept() -> None:
    program = "import sys; [sys.stderr.write('x' * 99 + '\\n') for _ in range(99_999)]; sys.exit('at last')"
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = OutputTail(process.stderr)
    process.wait(30)
    lines = said.lines()
    assert lines[-1] == "at last"
    assert len(lines) < 1000


def test_only_the_passwords_of_the_share_travel(tmp_path: Path) -> None:
    secrets = [tmp_path / name for name in ("ours", "theirs", "bmc")]
    for path in secrets:
        path.write_text(f"password of {path.name}")
    hosts = {
        name: {"ansible_become_password": f"{{{{ lookup('ansible.builtin.file', '{tmp_path / name}') }}}}"}
        for name in ("ours", "theirs")
    }
    tree = {"all": {"vars": {}, "hosts": hosts}}
    action = Action("ping", "verify.yml", (Node("ours", "10.0.0.1"),))
    pack(tmp_path / "luggage", "/there", action, tree, SshConfig(), map(str, secrets))
    carried = {path.read_text() for path in (tmp_path / "luggage" / "files").iterdir()}
    assert carried == {"password of ours", "ours\n"}
