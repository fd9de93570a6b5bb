"""Run a module in a child process with a time limit, as a process that hangs can't end itself.

A read from a mount whose server is gone, or from the memory of a process that hangs, ends only with the reading
process. So a child does the work, and this process waits and passes the answer on. Before the child changes the host
(`acting`), it and its children are killed after the time limit, when nobody reads the answer, and when this process
ends. After that nothing kills it: half a fault is worse than a late one.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import sys
import time
import traceback
from typing import Callable, Mapping, NamedTuple, NoReturn, Sequence, TextIO

SECONDS = 40.0
"""Longest time of a module before it changes the host."""

_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_ACTING = b"\0"
"""The byte that the child sends before it changes the host, and gets back. Its other bytes describe its work."""


class _Ended(BaseException):
    """This process has received the signal in ``args``."""


class _Link(NamedTuple):
    """The child's ends of the two pipes between it and this process."""

    ear: int
    mouth: int


_link: list[_Link] = []
"""The link, in the child; empty in its parent."""


def doing(words: str) -> None:
    """Record the current step of the module, for the message if it hangs.

    Args:
        words: a verb and its object (``looking at service 'web'``).
    """
    for link in _link:
        os.write(link.mouth, words.replace("\0", "").encode("utf-8", "replace")[:500] + b"\n")


def acting() -> None:
    """Report that the module begins to change the host, so that nothing kills it any more.

    The module ends here if its parent no longer waits for it.
    """
    for link in _link:
        fcntl.fcntl(link.ear, fcntl.F_SETFL, fcntl.fcntl(link.ear, fcntl.F_GETFL) & ~os.O_ASYNC)
        os.write(link.mouth, _ACTING)
        if not os.read(link.ear, 1):
            os._exit(1)
    _link.clear()


def run(main: Callable[[], None], seconds: float = SECONDS) -> NoReturn:
    """Run the ``main`` of a module in a child, pass its answer on, and end with its exit code.

    Args:
        main: prints the answer, and ends by `SystemExit`.
        seconds: time limit before `acting`; after it the child is killed, and the answer is a failure.
    """
    sys.stdout.flush()
    ear, wire = os.pipe()
    words, mouth = os.pipe()
    answer, out = os.pipe()
    errors, err = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        for descriptor in (wire, words, answer, errors):
            os.close(descriptor)
        _obey(ear, parent)
        _link.append(_Link(ear, mouth))
        _work(main, (os.open(os.devnull, os.O_RDONLY), out, err))
    for descriptor in (ear, mouth, out, err):
        os.close(descriptor)
    supervisor = _Supervisor(child, wire, words, {answer: sys.stdout, errors: sys.stderr})
    sys.exit(supervisor.watch(time.monotonic() + seconds, seconds))


# ---- the child -----------------------------------------------------------------------------------------------------


def _obey(ear: int, parent: int) -> None:
    """Make this process and its future children end together with its parent, for any reason.

    The end of the parent closes the pipe ``ear``. Then the kernel sends SIGIO, which ends this process group.
    """
    os.setpgid(0, 0)
    fcntl.fcntl(ear, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(ear, fcntl.F_SETFL, fcntl.fcntl(ear, fcntl.F_GETFL) | os.O_ASYNC)
    if os.getppid() != parent:
        os._exit(1)


def _work(main: Callable[[], None], standards: Sequence[int]) -> NoReturn:
    for standard, descriptor in enumerate(standards):
        os.dup2(descriptor, standard)
    code = 1
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except Exception as error:  # noqa: BLE001 (it is reported)
        where = traceback.extract_tb(sys.exc_info()[2])[-1]
        why = f"{type(error).__name__}: {error} ({where.filename}, line {where.lineno})"
        print(json.dumps({"failed": True, "msg": why[:2000], "exception": traceback.format_exc()[-2000:]}))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


# ---- its parent ----------------------------------------------------------------------------------------------------


class _Supervisor:
    def __init__(self, child: int, wire: int, words: int, streams: Mapping[int, TextIO]) -> None:
        self.child = child
        self.wire = wire
        self.words = words
        self.streams = streams
        self.heard = dict.fromkeys(streams, b"")
        self.doing = "at its beginning"
        self.acts = False

    def watch(self, deadline: float, seconds: float) -> int:
        """Wait for the child, pass its answer on, and return its exit code."""
        for number in _ENDING:
            signal.signal(number, _end)
        try:
            in_time = self._wait(deadline)
        except _Ended as ended:
            self._kill()
            return 128 + int(ended.args[0])
        if in_time:
            return self._pass_on()
        self._kill()
        if in_time is None:
            return 1
        why = (
            f"nothing was done: after {seconds:.0f} s this host was still {self.doing}; "
            "see whether a mount or a process hangs there"
        )
        print("\n" + json.dumps({"failed": True, "msg": why}))
        return 1

    def _pass_on(self) -> int:
        status = os.waitpid(self.child, 0)[1]
        for stream, target in self.streams.items():
            self._hear(stream)
            try:
                target.buffer.write(self.heard[stream])
                target.flush()
            except BrokenPipeError:  # there is no reader
                os.dup2(os.open(os.devnull, os.O_WRONLY), target.fileno())
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)

    def _wait(self, deadline: float) -> bool | None:
        """Return True if the child has ended, False after the time limit, None if nobody reads the answer."""
        poll = select.poll()
        for stream in (self.words, *self.streams):
            os.set_blocking(stream, False)
            poll.register(stream, select.POLLIN)
        poll.register(1, 0)  # for POLLERR, which reports the end of the reader
        while True:
            left = None if self.acts else max(0.0, deadline - time.monotonic())
            ready = poll.poll(None if left is None else left * 1000)
            if not ready and not self.acts:
                return False
            for stream, _events in ready:
                if stream == 1:
                    if not self.acts:
                        return None
                    poll.unregister(1)
                elif stream in self.streams:
                    if not self._hear(stream):
                        poll.unregister(stream)
                elif not self._listen():
                    return True

    def _hear(self, stream: int) -> bool:
        """Read the output of the child; return whether there may be more."""
        said = _read(stream)
        self.heard[stream] += b"".join(said)
        return b"" not in said

    def _listen(self) -> bool:
        """Read the reports of the child; return whether it still works."""
        parts = _read(self.words)
        said = b"".join(parts)
        if _ACTING in said and not self.acts:
            self.acts = True
            os.write(self.wire, _ACTING)
        lines = said.replace(_ACTING, b"").decode("utf-8", "replace").split("\n")
        self.doing = next((line for line in reversed(lines) if line), self.doing)
        return b"" not in parts

    def _kill(self) -> None:
        if not self.acts:
            for kill, whom in ((os.killpg, self.child), (os.kill, self.child)):  # it may not lead its group yet
                try:
                    kill(whom, signal.SIGKILL)
                except ProcessLookupError:
                    pass


def _end(number: int, _frame: object) -> None:
    raise _Ended(number)


def _read(stream: int) -> list[bytes]:
    """Return the available bytes, in parts; the last part is empty at the end of the stream."""
    parts: list[bytes] = []
    try:
        while not parts or parts[-1]:
            parts.append(os.read(stream, 65536))
    except BlockingIOError:
        pass
    return parts
