"""The answer of a worker, read with care: events of its own nodes, and three small files, all of bounded size.

ansible-runner's own `Processor` would unpack any archive, also links and paths that lead out of its directory (its
issue 1548).
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import logging
import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import IO, Any

from ansible_runner.streaming import Processor

from os_faults.ansible.workers.errors import ProtocolViolation

LOG = logging.getLogger(__name__)

Event = dict[str, Any]

#: Most bytes from a worker: in one line (an event with the answer of a module), in its archive, and in all.
LINE, ARCHIVE, WHOLE = 64 << 20, 32 << 20, 512 << 20
#: Most bytes of a file that is kept; a longer file is cut.
FILE = 16 << 20
#: Most events from a worker, and further ones for each of its nodes: each event is a file here.
EVENTS, EVENTS_OF_A_NODE = 10_000, 1_000
#: Most lines that the login shell of a worker may print before the answer.
GREETING = 100
#: The wanted files of the archive.
WANTED = ("rc", "stdout", "stderr")

_UUID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EXIT_CODE = re.compile(r"-?[0-9]{1,3}\s*")
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK = 1 << 20  # a multiple of four, as base64 wants it


class Answer(Processor):  # type: ignore[misc]  # ansible-runner has no types
    """Reads the answer of one worker.

    Args:
        stream: the output of its ``ansible-runner worker``.
        private: a directory of ours; nothing is written there.
        nodes: the names of the nodes of its share; events of other nodes are refused.
        on_event: called with every event.
        on_status: called with every status.

    Attributes:
        files: name → content of the received files of `WANTED`.
        is_whole: whether the answer came to its end.
    """

    def __init__(
        self,
        stream: IO[bytes],
        private: str,
        nodes: Collection[str],
        on_event: Callable[[Event], bool],
        on_status: Callable[..., None],
    ) -> None:
        super().__init__(
            _input=stream,
            private_data_dir=private,
            settings={},
            quiet=True,
            event_handler=on_event,
            status_handler=on_status,
        )
        self.files: dict[str, bytes] = {}
        self.is_whole = False
        self._nodes = frozenset(nodes)
        self._events_left = EVENTS + EVENTS_OF_A_NODE * len(self._nodes)
        self._bytes_left = WHOLE

    def run(self) -> None:
        """Read the whole answer; a stream that ends too early leaves `is_whole` false.

        Raises:
            ProtocolViolation: the answer does not have the form of ansible-runner, or is too long.
        """
        line = self._first_line()
        while line:
            self._read(line)
            line = b"" if self.is_whole else self._line()

    def _first_line(self) -> bytes:
        """Return the first line of ansible-runner; a login shell may print some lines before it."""
        line = said = self._line()
        for _ in range(GREETING):
            if not line or line.lstrip().startswith(b"{"):
                break
            line = self._line()
        return line or said

    def _read(self, line: bytes) -> None:
        data = _object(line)
        if "status" in data:
            self.status_callback(data)
        elif "zipfile" in data:
            self.artifacts_callback(data)
        elif "eof" in data:
            self.is_whole = True
        elif data.get("event") != "keepalive":
            self.event_callback(data)

    def event_callback(self, event_data: Event) -> None:
        """Pass on an event of a node of the share, or without a node.

        Raises:
            ProtocolViolation: it has another node, or its uuid can't be the name of a file.
        """
        self._events_left -= 1
        if self._events_left < 0:
            raise ProtocolViolation("sent more events than a run can have")
        identity = event_data.get("uuid")
        if not (isinstance(identity, str) and _UUID.fullmatch(identity)):
            raise ProtocolViolation("sent an event without a valid uuid")
        about = event_data.get("event_data", {})
        if not isinstance(event_data.get("event"), str) or not isinstance(about, Mapping):
            raise ProtocolViolation("sent an invalid event")
        if event_data["event"] == "playbook_on_stats" and not _are_statistics(about):
            raise ProtocolViolation("sent invalid statistics")
        host = about.get("host")
        if host is not None and not (isinstance(host, str) and host in self._nodes):
            raise ProtocolViolation(f"sent an event of {str(host)[:100]!r}, which is not one of its nodes")
        super().event_callback(event_data)

    def artifacts_callback(self, artifacts_data: Mapping[str, Any]) -> None:
        """Read the wanted files from the archive that follows; an archive that is too large is skipped.

        Raises:
            ProtocolViolation: it is not an archive, or a wanted file is not a plain file in it.
        """
        size = artifacts_data["zipfile"]
        if not isinstance(size, int) or size < 0:
            raise ProtocolViolation("sent an archive without a size")
        archive = io.BytesIO()
        for part in self._decoded(size):
            if size <= ARCHIVE:
                archive.write(part)
        if size <= ARCHIVE:
            self.files = _taken_from(archive)
        else:
            LOG.warning("a worker has sent %d bytes of artifacts, more than %d: none of them are kept", size, ARCHIVE)

    def _line(self) -> bytes:
        line = bytes(self._input.readline(min(LINE, self._bytes_left) + 1))
        self._count(len(line))
        if len(line) > LINE:
            raise ProtocolViolation(f"sent a line of more than {LINE} bytes")
        return line

    def _decoded(self, size: int) -> Iterator[bytes]:
        """Read and decode ``size`` bytes, piece by piece."""
        left = 4 * -(-size // 3)
        self._count(left)
        while left:
            text = self._input.read(min(left, _CHUNK))
            left -= len(text)
            try:
                yield base64.b64decode(text or b"=", validate=True)  # at the end of the stream, "=" raises the error
            except binascii.Error:
                raise ProtocolViolation("sent an archive that is cut off, or none") from None

    def _count(self, size: int) -> None:
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise ProtocolViolation(f"sent more than {WHOLE} bytes")


def _are_statistics(about: Mapping[str, Any]) -> bool:
    """Return whether each counter is a mapping from names of hosts to numbers."""
    counters = (about.get(name, {}) for name in ("ok", "changed", "failures", "dark", "processed"))
    return all(
        isinstance(counter, Mapping) and all(isinstance(count, int) for count in counter.values())
        for counter in counters
    )


def _object(line: bytes) -> Event:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise ProtocolViolation(f"sent a line that is not from ansible-runner: {line[:100].decode(errors='replace')!r}")
    return data


def _taken_from(file: IO[bytes]) -> dict[str, bytes]:
    """Return the wanted files of an archive, each cut to its allowed length."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = {name: archive.NameToInfo[name] for name in WANTED if name in archive.NameToInfo}
            if odd := [name for name, member in members.items() if not _is_plain(member)]:
                raise ProtocolViolation(f"sent an archive in which {odd[0]} is not a plain file")
            files = {}
            for name, member in members.items():
                with archive.open(member) as content:
                    files[name] = content.read(FILE) + (b"\n(the rest was cut off)\n" if content.read(1) else b"")
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, OSError, EOFError, ValueError) as error:
        raise ProtocolViolation(f"sent an archive that can't be read: {error}") from error
    if not _EXIT_CODE.fullmatch(files.get("rc", b"0").decode(errors="replace")):
        raise ProtocolViolation("sent an exit code that is not a number")
    return files


def _is_plain(member: zipfile.ZipInfo) -> bool:
    kind = member.external_attr >> 28  # the type in the Unix mode: 8 is a file, 10 a link, 0 is not given
    return kind in (0, 8) and member.compress_type in _READABLE and not member.flag_bits & 0x1
