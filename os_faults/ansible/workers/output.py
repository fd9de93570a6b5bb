"""The error output of a program: read as it comes; only its end is kept."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import IO

#: Number of bytes that are kept.
_KEPT = 1 << 16


class OutputTail:
    """Reads a pipe to its end, of any length, in a separate thread.

    Args:
        pipe: the error output of a process; it is closed at its end.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        self._end = b""
        self._thread = threading.Thread(target=self._read, args=(pipe,), name="os-faults-stderr", daemon=True)
        self._thread.start()

    def lines(self) -> list[str]:
        """Return the last lines, without empty ones; the process must have ended."""
        self._thread.join(timeout=5)  # its descendants may keep the pipe open
        return [line.strip() for line in self._end.decode(errors="replace").splitlines() if line.strip()]

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe, suppress(OSError):
            while part := pipe.read1(_KEPT):  # type: ignore[attr-defined]  # a pipe of subprocess is buffered
                self._end = (self._end + part)[-_KEPT:]
