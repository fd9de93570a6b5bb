"""The warm start of ``ansible-playbook``: a server process has Ansible in memory, and forks for each run.

Most of the time of a short run is the start of Python and Ansible. ansible-runner finds ``ansible-playbook`` on the
PATH of the run. A small program of that name (`client`), earlier on the PATH, passes the run to the process with
Ansible in memory (`server`). ansible-runner, its events and its artifacts stay the same. If the server can't take the
run, the client becomes the real ``ansible-playbook``: the run is slower, with the same results.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from os_faults.ansible.warm import cache
from os_faults.ansible.warm.packing import pack_library
from os_faults.system import files

LOG = logging.getLogger(__name__)

#: The environment variable that switches the warm start off, with the value ``no``.
SWITCH = "OS_FAULTS_WARM_START"
#: The variables that differ from run to run; all others are the same for all runs of a server.
_OF_A_RUN = frozenset({"AWX_ISOLATED_DATA_DIR"})
#: Older kernels read at most 127 characters of a program's first line, and blanks in it would split the path.
_INTERPRETER = re.compile(r"\S{1,110}")
_HERE = Path(__file__).parent
_SERVER = _HERE / "server.py"
#: Number of clients that may wait for the server.
_CLIENTS = 64
#: Seconds that the server has to end.
_END = 2.0


class WarmStart:
    """Runs the server of one cloud object, and puts its client before ``ansible-playbook`` on the PATH.

    Args:
        directory: a private directory (0700), created here, for the socket, the client and the log of the server.
        modules: the directories of our modules and of their shared code; the server is restarted when they change.
        playbooks: the directory of our playbooks; the server compiles their templates.

    Example:
        >>> modules = Path("library"), Path("module_utils")
        >>> warm = WarmStart(Path("/tmp/osf-abc/warm"), modules, Path("playbooks"))  # doctest: +SKIP
        >>> env = warm.before({"PATH": "/usr/bin:/bin"})  # doctest: +SKIP
        >>> env["PATH"]  # doctest: +SKIP
        '/tmp/osf-abc/warm:/usr/bin:/bin'
    """

    def __init__(self, directory: Path, modules: tuple[Path, Path], playbooks: Path) -> None:
        self._directory = directory
        self._modules = modules
        self._playbooks = playbooks
        self._owner = os.getpid()
        self._turn = threading.Lock()
        self._key: Any = None
        self._server: subprocess.Popen[bytes] | None = None
        self._finalizer: Callable[[], object] = lambda: None

    def before(self, env: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a run with the client before the real ``ansible-playbook``, if there is a server.

        The server is started if there is none, if it has ended, or if the environment or Ansible's files have changed
        since its start. This method does not wait for the start; the client does.

        Args:
            env: the environment of the run without the warm start.
        """
        with self._turn:
            if os.environ.get(SWITCH) == "no":
                return dict(env)
            key = _key(env, self._modules)
            # A forked child uses the server of its parent, and starts none: that would be a child of the child.
            own = os.getpid() == self._owner
            if (
                own
                and key is not None
                and (key != self._key or self._server is None or self._server.poll() is not None)
            ):
                self._finalizer()
                self._key = key
                self._start(env)
            if key is None or key != self._key or self._server is None:
                return dict(env)
            return {**env, "PATH": os.pathsep.join([str(self._directory), env["PATH"]])}

    def close(self) -> None:
        """End the server; its running runs continue. Safe to repeat."""
        self._finalizer()

    def _start(self, env: Mapping[str, str]) -> None:
        try:
            shutil.rmtree(self._directory, ignore_errors=True)
            library = self._directory / "library"
            for directory in (self._directory, self._directory / "modules", library):
                directory.mkdir(mode=0o700)
            for name, text in self._packed().items():
                (library / name).write_text(text, encoding="utf-8")
            client = self._directory / "ansible-playbook"
            source = Path(__file__).with_name("client.py").read_text(encoding="utf-8")
            client.write_text(f"#!{sys.executable} -IS\n{source}", encoding="utf-8")
            client.chmod(0o700)
            if not os.access(client, os.X_OK):
                raise PermissionError(f"programs can't be run from {self._directory}")
            # The socket listens from now on. An early client waits, which takes no longer than to load Ansible itself.
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
                listener.bind(str(self._directory / "socket"))
                listener.listen(_CLIENTS)
                self._server = self._spawn(env, listener.fileno())
        except OSError as error:
            LOG.debug("every run starts Ansible anew: %s", error)
            self._server = None
            return
        self._finalizer = weakref.finalize(self, _end, self._server, self._owner)

    def _packed(self) -> dict[str, str]:
        """Return the packed modules: file name → text. They are kept for the next process."""
        kept = cache.place("modules", _stamps(_sources((*self._modules, _HERE))), os.environ)
        if kept is not None:
            try:
                return dict(json.loads(kept.read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError):  # there is none yet, or it is damaged
                pass
        packed = pack_library(*self._modules)
        if kept is not None:
            with contextlib.suppress(OSError):  # as on a full disk
                files.replace(kept, json.dumps(packed))
        return packed

    def _templates(self) -> Path | str:
        """Return the path of the compiled templates that are kept; "" where none can be kept."""
        jinja = importlib.util.find_spec("jinja2")
        made_of = [*_ansible(), *([Path(jinja.origin)] if jinja and jinja.origin else []), *_sources((_HERE,))]
        made_of += [path for path in sorted(self._playbooks.rglob("*")) if path.suffix in (".yml", ".py")]
        return cache.place("templates", _stamps(made_of), os.environ) or ""

    def _spawn(self, env: Mapping[str, str], listener: int) -> subprocess.Popen[bytes]:
        with (self._directory / "log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-P", _SERVER, str(listener), self._directory, self._playbooks, self._templates()],
                env=dict(env),
                cwd=self._directory,  # not the caller's, which may be removed or unmounted
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[listener],
                start_new_session=True,
            )


def _key(env: Mapping[str, str], modules: Sequence[Path]) -> Any:
    """Return the common conditions of a server's runs; None when a server can't replace this ``ansible-playbook``."""
    found = shutil.which("ansible-playbook", path=env["PATH"])
    spec = importlib.util.find_spec("ansible")
    beside = Path(sys.executable).with_name("ansible-playbook")
    if not found or Path(found) != beside or not spec or not spec.origin or not _INTERPRETER.fullmatch(sys.executable):
        return None
    made_of = [*_ansible(), beside, Path(env.get("ANSIBLE_CONFIG", "")), *_sources(modules)]
    return {name: value for name, value in env.items() if name not in _OF_A_RUN}, _stamps(made_of)


def _ansible() -> list[Path]:
    """Return the file of Ansible that differs from release to release, if there is an Ansible."""
    spec = importlib.util.find_spec("ansible")
    return [Path(spec.origin).with_name("release.py")] if spec and spec.origin else []


def _sources(modules: Iterable[Path]) -> list[Path]:
    return [source for directory in modules for source in sorted(directory.glob("**/*.py"))]


def _stamps(paths: Iterable[Path]) -> list[tuple[str, int, int, int] | None]:
    """Return what changes with the content of files."""
    return [_stamp(path) for path in paths]


def _stamp(path: Path) -> tuple[str, int, int, int] | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return str(path), about.st_ino, about.st_size, about.st_mtime_ns


def _end(server: subprocess.Popen[bytes], owner: int) -> None:
    if os.getpid() != owner:
        return
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(_END)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
