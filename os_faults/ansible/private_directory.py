"""The private directory of one cloud object: ssh control sockets, files with secrets.

Its path is short (the path of a unix socket has at most 107 characters), only its owner can read it, and it is removed
with the cloud object, also at the end of the interpreter.
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

#: Seconds for which connections stay open between runs.
_PERSIST = 600
#: Number of connections that are closed at the same time, and the seconds that this may take.
_AT_ONCE = 50
_PATIENCE = 5.0

#: The path of a unix socket has at most 107 characters: our directory takes 13 of them, ssh's %C and its suffix 59.
_USABLE = re.compile(r"/[A-Za-z0-9_./-]{0,34}")
_PREFIX = "osf-"
#: Bytes that a session needs: packed modules, Ansible's temporary files, artifacts without another directory.
_ROOM = 16 * 1024 * 1024
_OWNER = "owner"


class PrivateDirectory:
    """Creates and removes the private directory of a cloud object.

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
        self._finalizer = weakref.finalize(self, _remove, self.path, os.getpid())
        #: Directory for temporary files of runs, so that files of a killed run are removed with the private directory.
        self.tmp = self.path / "tmp"
        self._library: tuple[Path, ...] = ()

    @property
    def ansible_cfg(self) -> Path:
        """The path of Ansible's settings; the file is rewritten when modules were registered meanwhile.

        Raises:
            OSFError: it can't be written, or the directory is not the one that was created.
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
        """Return the path of a file (0600) with ``value``, for inventories to name.

        Raises:
            OSFError: it can't be written, or the directory is not the one that was created.
        """
        if value not in self._secrets:
            with self._intact():
                descriptor, path = tempfile.mkstemp(prefix="secret-", dir=self.path)
                files.put(descriptor, value)
            self._secrets[value] = path
        return self._secrets[value]

    @contextmanager
    def _intact(self) -> Iterator[None]:
        """Refuse a directory that was removed or replaced, for instance by a clean-up program."""
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

    def forget_connections(self) -> None:
        """Let go of the open ssh connections, so that no connection to a host that is gone is used again.

        What runs on one, also for a forked child of this program, goes on to its end.
        """
        try:
            _tell_connections(self.path, "stop")
        except OSError as error:
            LOG.warning("can't close the ssh connections that are kept open: %s", error)

    def close(self) -> None:
        """Close the connections and remove the directory; safe to repeat."""
        self._finalizer()
        self._owned.close()


def private_base(*, sockets: bool = True) -> Path:
    """Return a parent for a private directory, in which no other user can replace it.

    ``XDG_RUNTIME_DIR`` and ``TMPDIR`` come first. The first fit directory with enough room is returned, else the first
    fit one.

    Args:
        sockets: whether the directory is for ssh's control sockets, too.

    Raises:
        ConfigError: no directory is fit; the message has the reasons.
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
    """Return why a directory is not fit for the private directory; "" when it is."""
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
    """Create the private directory; return its path, and the open file that marks it as in use.

    Raises:
        OSFError: it can't be created.
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


def _tell_connections(directory: Path, order: str) -> None:
    """Have the processes that keep ssh connections open end them.

    Args:
        directory: of their sockets.
        order: "exit", or "stop" for the end of what runs on them; see ``-O`` in ssh(1).
    """
    sockets = [entry for entry in directory.iterdir() if entry.is_socket()] if directory.is_dir() else []
    for begin in range(0, len(sockets), _AT_ONCE):
        group = sockets[begin : begin + _AT_ONCE]
        clients = [
            subprocess.Popen(
                ["ssh", "-o", f"ControlPath={socket}", "-O", order, "none"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for socket in group
        ]
        _end(clients)
        for socket, client in zip(group, clients, strict=True):
            if client.returncode:  # nobody listens at it, or nobody answers
                socket.unlink(missing_ok=True)


def _end(clients: Iterable[subprocess.Popen[bytes]]) -> None:
    """Wait some seconds for programs that should end at once, then kill them."""
    deadline = time.monotonic() + _PATIENCE
    for client in clients:
        try:
            client.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            client.kill()
            client.wait()


def _remove(directory: Path, owner: int) -> None:
    if os.getpid() != owner:
        return  # this is a forked child, and its parent still needs the directory
    try:
        _tell_connections(directory, "exit")
    except (OSError, subprocess.SubprocessError):
        pass  # no ssh here, or it hangs: the sockets end by themselves, the secrets must go now
    shutil.rmtree(directory, ignore_errors=True)


def _own(directory: Path) -> IO[str]:
    """Return an open file whose lock marks the directory as in use, as long as this process lives."""
    fresh = directory / f"{_OWNER}.new"
    owner = fresh.open("w", encoding="ascii")
    fcntl.flock(owner, fcntl.LOCK_EX)
    fresh.rename(directory / _OWNER)
    return owner


def _sweep(base: Path) -> None:
    """Remove the private directories of this user whose process was killed: they may have secrets."""
    for directory in base.glob(f"{_PREFIX}*"):
        try:
            about = directory.lstat()
            if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
                continue
            with (directory / _OWNER).open(encoding="ascii") as owner:
                fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(directory, os.getpid())
        except OSError:
            continue  # in use, or just being created
