"""The private directory of one cloud object: ssh control sockets, secrets by reference.

It is short (a unix socket's path has at most 107 characters), readable by its owner only, and goes
away with the cloud object, also at the end of the interpreter.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import shutil
import stat
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from os_faults import resources
from os_faults.ansible.settings import settings
from os_faults.config import SshConfig
from os_faults.errors import ConfigError, OSFError
from os_faults.system import files, ownership, process

LOG = logging.getLogger(__name__)

#: Seconds for which connections are kept open between runs.
_PERSIST = 600
#: How many of them are closed at the same time, and how long that may take, in seconds.
_AT_ONCE = 50
_PATIENCE = 5.0

#: A unix socket's path has at most 107 characters: of these our directory takes 13, ssh's %C and its suffix 59.
_USABLE = re.compile(r"/[A-Za-z0-9_./-]{0,34}")
_PREFIX = "osf-"
#: Bytes that a session needs: packed modules, Ansible's temporary files, the artifacts of runs that go nowhere else.
_ROOM = 16 * 1024 * 1024
_OWNER = "owner"


class PrivateDirectory:
    """Makes and removes the private directory of a cloud object.

    Args:
        ssh: connection settings; ``connect_timeout`` in seconds.

    Example:
        >>> control = PrivateDirectory(SshConfig())
        >>> oct(control.path.stat().st_mode & 0o777)
        '0o700'
        >>> control.close()
    """

    def __init__(self, ssh: SshConfig) -> None:
        self._ssh = ssh
        base = private_base()
        _sweep(base)
        self.path, self._owned = _made(base)
        self._identity = _identity(self.path)
        self._secrets: dict[str, str] = {}
        self._turn = threading.Lock()
        self._users = 0
        self._stale = False
        self._finalizer = weakref.finalize(self, _remove, self.path, os.getpid())
        #: Where runs put what is temporary, so that what a killed one leaves goes away with this directory.
        self.tmp = self.path / "tmp"
        self._library: tuple[Path, ...] = ()

    @property
    def ansible_cfg(self) -> Path:
        """The file of Ansible's settings; written anew when modules were registered meanwhile.

        Raises:
            OSFError: it can't be written, or the directory is not the one that was made.
        """
        path = self.path / "ansible.cfg"
        with self._turn, self._intact():
            if self._library != (library := resources.module_paths()) or not path.exists():
                new = path.with_suffix(".new")
                content = settings(self._ssh, self.path, library, resources.module_utils_dir(), _PERSIST)
                new.write_text(content, encoding="utf-8")
                new.replace(path)
                self._library = library
        return path

    def secret_path(self, value: str) -> str:
        """Return the path of a file (0600) that holds ``value``, so that inventories need only name it.

        Raises:
            OSFError: it can't be written, or the directory is not the one that was made.
        """
        if value not in self._secrets:
            with self._intact():
                descriptor, path = tempfile.mkstemp(prefix="secret-", dir=self.path)
                files.put(descriptor, value)
            self._secrets[value] = path
        return self._secrets[value]

    @contextmanager
    def _intact(self) -> Iterator[None]:
        """Refuse to work with a directory that somebody has removed or replaced, as tidying programs do."""
        try:
            if _identity(self.path) != self._identity:
                raise OSFError(f"{self.path} is not the private directory that was made there: connect again")
            yield
        except OSError as error:
            raise OSFError(f"can't use the private directory {self.path}: {error.strerror}; connect again") from error

    @property
    def secrets(self) -> tuple[str, ...]:
        """The paths that `secret_path` has returned."""
        return tuple(self._secrets.values())

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep the connections open until the end of the block, as a run goes over them.

        Raises:
            OSFError: see `os_faults.system.process.default_sigchld`.
        """
        with self._turn:
            self._users += 1
        try:
            with process.default_sigchld():
                yield
        finally:
            with self._turn:
                self._users -= 1
                self._close_stale()

    def forget_connections(self) -> None:
        """Close the ssh connections that are kept open, so that none to a host that went away is used again.

        While another run goes over them, that waits for its end: it would be cut off in the middle of its work.
        """
        with self._turn:
            self._stale = True
            self._close_stale()

    def _close_stale(self) -> None:
        if self._stale and not self._users:
            try:
                _close_sockets(self.path)
            except OSError as error:
                LOG.warning("can't close the ssh connections that are kept open: %s", error)
            self._stale = False

    def close(self) -> None:
        """Close the connections and remove the directory; safe to repeat."""
        self._finalizer()
        self._owned.close()


def private_base(*, sockets: bool = True) -> Path:
    """Return the first directory in which a private one can lie: nobody else can put another in its place.

    ``XDG_RUNTIME_DIR`` and ``TMPDIR`` come first. Of those that will do the first with room counts, else the first.

    Args:
        sockets: whether ssh's control sockets must find a place in it.

    Raises:
        ConfigError: there is none; the message says why.
    """
    named = (os.environ.get(name, "") for name in ("XDG_RUNTIME_DIR", "TMPDIR"))
    candidates = (*named, "/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - looked at before use
    flaws = {candidate: _flaw(candidate, sockets) for candidate in candidates if candidate}
    fit = [Path(candidate) for candidate, why in flaws.items() if not why]
    if not fit:
        reasons = "; ".join(f"{candidate}: {why}" for candidate, why in flaws.items())
        raise ConfigError(
            f"no directory is fit for the private files of os_faults ({reasons}); "
            "let TMPDIR name a short one of your own"
        )
    return next((base for base in fit if files.has_room(base, _ROOM)), fit[0])


def _flaw(base: str, sockets: bool) -> str:
    """Return why the private directory can't lie in a directory, "" when it can."""
    if not os.path.isabs(base):
        return "it is relative"
    if sockets and not _USABLE.fullmatch(base):
        return "ssh takes no path for its sockets that is long or has odd characters in it"
    try:
        found = ownership.flaw(Path(base), shared=True)
    except OSError as error:
        return str(error.strerror)
    return found or ("" if os.access(base, os.W_OK | os.X_OK) else "it can't be written to")


def _made(base: Path) -> tuple[Path, IO[str]]:
    """Make the private directory; return its path, and the open file that says that it is in use.

    Raises:
        OSFError: it can't be made.
    """
    try:
        process.have_streams()
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
        try:
            (path / "tmp").mkdir(mode=0o700)
            return path, _own(path)
        except OSError:
            shutil.rmtree(path, ignore_errors=True)
            raise
    except OSError as error:
        raise OSFError(f"can't make the private directory of os_faults in {base}: {error.strerror}") from error


def _identity(path: Path) -> tuple[int, int]:
    about = path.lstat()
    return about.st_dev, about.st_ino


def _close_sockets(directory: Path) -> None:
    sockets = [entry for entry in directory.iterdir() if entry.is_socket()] if directory.is_dir() else []
    for begin in range(0, len(sockets), _AT_ONCE):
        group = sockets[begin : begin + _AT_ONCE]
        clients = [
            subprocess.Popen(
                ["ssh", "-o", f"ControlPath={socket}", "-O", "exit", "none"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for socket in group
        ]
        _end(clients)
        for socket in group:
            socket.unlink(missing_ok=True)


def _end(clients: Iterable[subprocess.Popen[bytes]]) -> None:
    """Wait for programs that should end at once, together no longer than some seconds; then kill them."""
    deadline = time.monotonic() + _PATIENCE
    for client in clients:
        try:
            client.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            client.kill()
            client.wait()


def _remove(directory: Path, owner: int) -> None:
    if os.getpid() != owner:
        return  # a forked child ends, its parent goes on
    try:
        _close_sockets(directory)
    except (OSError, subprocess.SubprocessError):
        pass  # no ssh here, or it hangs: the sockets end by themselves, the secrets must go now
    shutil.rmtree(directory, ignore_errors=True)


def _own(directory: Path) -> IO[str]:
    """Return the open file whose lock says, as long as this process lives, that the directory is in use."""
    fresh = directory / f"{_OWNER}.new"
    owner = fresh.open("w", encoding="ascii")
    fcntl.flock(owner, fcntl.LOCK_EX)
    fresh.rename(directory / _OWNER)
    return owner


def _sweep(base: Path) -> None:
    """Remove the directories of this user whose process was killed: they may hold secrets."""
    for directory in base.glob(f"{_PREFIX}*"):
        try:
            about = directory.lstat()
            if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
                continue
            with (directory / _OWNER).open(encoding="ascii") as owner:
                fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(directory, os.getpid())
        except OSError:
            continue  # in use, or just being made
