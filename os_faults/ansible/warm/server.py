"""A process that has Ansible in memory and forks for every run of ``ansible-playbook``: the other end of `client`.

Run as a program with the file descriptor of its socket and the paths of a private directory and of the playbooks. It
ends with the process
that started it, when nothing was asked of it for ten minutes, or by SIGTERM; runs that it has begun go on.

What is loaded beforehand are Ansible's own modules and classes and what it reads from its own files. Nothing of a
run: no inventory, no playbook, no variable. Should Ansible not load like this, every run starts its own.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import os
import resource
import runpy
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any, NamedTuple

#: Seconds; one that nobody needs gives its memory back.
_IDLE = 600.0
#: Seconds between two looks whether the owner still lives.
_LOOK = 1.0
#: Seconds for a client to say what it wants.
_PATIENCE = 5.0
#: Bytes of memory that the process of one host may have for itself.
_MEMORY = 512 * 1024 * 1024
#: Of the environment, what differs from run to run.
_OF_A_RUN = "AWX_ISOLATED_DATA_DIR"
#: What the Ansible processes of a run are called; `os_faults.ansible.leftovers` knows them by it.
_NAME = "ansible-playbook"
#: How the modules of Ansible and of os_faults are called.
_MODULES = ("ansible.modules.", "ansible.legacy.osf_")


#: Kinds of plugins of which Ansible looks at all for every run.
_WHOLE_KINDS = ("become", "connection", "shell")
#: The others of a common run by their kinds. Not ansible-runner's callback, which takes the run's directory from the
#: environment when it is loaded, and none of the kind vars, of which Ansible keeps objects instead of classes.
_PLUGINS = {
    "action": ("command", "fail", "include_tasks", "normal", "raw", "set_fact"),
    "cache": ("memory",),
    "callback": ("default", "junit", "minimal", "oneline", "tree"),
    "inventory": ("yaml",),
    "strategy": ("linear",),
}
#: What would be imported by each run, or even by the process of each host, as far as there are such modules.
_LATE = (
    "ansible.module_utils._internal._json._profiles._module_legacy_c2m",
    "ansible.module_utils._internal._json._profiles._module_legacy_m2c",
    "ansible.playbook.handler_task_include",
    "multiprocessing.popen_fork",
    "multiprocessing.synchronize",
)


class Job(NamedTuple):
    """One run that a client asks for.

    Attributes:
        argv: the command line, the path of the real ``ansible-playbook`` first.
        cwd: the directory to run in.
        env: the whole environment.
        streams: file descriptors of the client's standard output and error.
        client: to which the exit status goes, as one byte.
    """

    argv: list[str]
    cwd: str
    env: dict[str, str]
    streams: list[int]
    client: socket.socket


def serve(listener: socket.socket, env: dict[str, str]) -> Job | None:
    """Fork for every client; return its job in the forked child, None when the server's time is over.

    Args:
        listener: the socket to which clients come.
        env: the environment that every run has, but for what differs from run to run.
    """
    owner = os.getppid()
    idle_since = time.monotonic()
    listener.settimeout(_LOOK)
    while os.getppid() == owner and time.monotonic() - idle_since < _IDLE:
        _collect()
        try:
            client, _address = listener.accept()
        except TimeoutError:
            continue
        idle_since = time.monotonic()
        with client:
            job = _hear(client, env)
            if job is None:
                continue  # the client finds its connection closed and starts Ansible itself
            if os.fork() == 0:
                return job._replace(client=client.dup())
            for descriptor in job.streams:
                os.close(descriptor)
    return None


def _collect() -> None:
    """Take note of runs that have ended, so that the CPU time of all is known of this process."""
    with contextlib.suppress(ChildProcessError):  # there is none
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _hear(client: socket.socket, env: dict[str, str]) -> Job | None:
    client.settimeout(_PATIENCE)
    streams: list[int] = []
    try:
        data, streams, _flags, _address = socket.recv_fds(client, 65536, 2)
        while more := client.recv(65536):
            data += more
        cwd, count, *words = (os.fsdecode(word) for word in data.split(b"\0"))
        argv, variables = words[: int(count)], words[int(count) :]
        environment = dict(variable.split("=", 1) for variable in variables)
        job = Job(argv, cwd, environment, streams, client)
    except (OSError, ValueError):
        job = None
    if job is not None and len(streams) == 2 and _comparable(job.env) == _comparable(env):
        return job
    for descriptor in streams:
        os.close(descriptor)
    return None


def _comparable(env: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name != _OF_A_RUN}


def _become(job: Job) -> None:
    """Make this process what a freshly started ``ansible-playbook`` would be."""
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Standard input is not the client's terminal, as another process can't have that for its own: nobody sits there.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for target, descriptor in enumerate(job.streams, 1):
        os.dup2(descriptor, target)
        os.close(descriptor)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=os.isatty(stream.fileno()))  # type: ignore[union-attr]
    os.chdir(job.cwd)
    os.environ.clear()
    os.environ.update(job.env)
    sys.argv = job.argv
    with open("/proc/self/comm", "w", encoding="ascii") as comm:
        comm.write(_NAME)
    # The environment that /proc shows is the server's: by this open directory, which the workers inherit, a
    # process is known to be of this run.
    if job.env.get(_OF_A_RUN):
        os.open(job.env[_OF_A_RUN], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _own_temporary_directory(modules: Path) -> Path:
    """Make Ansible's directory for temporary files: the server's own is not the run's to remove.

    Args:
        modules: the directory in which earlier runs have left modules that are ready to be sent to hosts.
    """
    from ansible import constants
    from ansible.config.manager import cleanup_tmp_file

    atexit.unregister(cleanup_tmp_file)
    parent = Path(constants.DEFAULT_LOCAL_TMP).parent
    constants.DEFAULT_LOCAL_TMP = tempfile.mkdtemp(prefix=f"ansible-local-{os.getpid()}", dir=parent)
    atexit.register(cleanup_tmp_file, constants.DEFAULT_LOCAL_TMP, warn=True)
    built = Path(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache")
    built.mkdir()
    for module in modules.iterdir():
        (built / module.name).symlink_to(module)
    return built


def _keep(built: Path, modules: Path) -> None:
    """Leave the modules that this run has built for the next: to build one takes as long as all else of a run.

    Only those that change with Ansible or with os_faults, as then there is a new server; a user's own may be edited
    at any time.
    """
    for module in built.iterdir():
        if module.is_symlink() or module.suffix == ".lock" or not module.name.startswith(_MODULES):
            continue
        with contextlib.suppress(OSError):
            fresh = modules.parent / f"{module.name}.{os.getpid()}"
            shutil.copyfile(module, fresh)
            fresh.rename(modules / module.name)


def _play(built: Path, modules: Path) -> int:
    """Run ``ansible-playbook`` with ``sys.argv`` and return its exit status."""
    from ansible.cli.playbook import main

    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - the end of the process, as for the interpreter itself
        traceback.print_exc()
        code = 1
    else:
        code = 0
    _keep(built, modules)
    atexit._run_exitfuncs()
    return code & 0xFF


def _tell_the_end(client: socket.socket, code: int) -> None:
    """Give the terminal back, then tell the client: it must not end before all output is written."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    with contextlib.suppress(OSError):
        client.sendall(bytes([code]))


def _load(library: Path) -> None:
    """Load Ansible and the plugins of a common run, with what Ansible reads of their descriptions.

    Args:
        library: a directory of modules that come before all others.
    """
    import ansible.cli.playbook
    from ansible.plugins import loader

    loader.init_plugin_loader()
    # It is made once in a process, and complains when a run makes it again.
    ansible.cli.init_plugin_loader = lambda *_paths: None
    importlib.import_module("ansible_collections.ansible.builtin")
    loader.module_loader.add_directory(str(library))
    for kind in _WHOLE_KINDS:
        list(getattr(loader, f"{kind}_loader").all(class_only=True))
    for kind, names in _PLUGINS.items():
        for name in names:
            getattr(loader, f"{kind}_loader").get(name, class_only=True)
    for name in _LATE:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _bound_workers() -> None:
    """Bound the memory of the process that Ansible has for each host: an answer without an end is that host's failure.

    Not for hosts with a local connection: what is started there has the limits of its parent for ever.
    """
    try:
        from ansible.executor.process.worker import WorkerProcess

        ansibles_own = WorkerProcess.run

        def run(self: Any) -> Any:
            if self._host.vars.get("ansible_connection") == "ssh":
                resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
            return ansibles_own(self)

        WorkerProcess.run = run
    except Exception:  # noqa: BLE001 - another Ansible: runs go on without the bound
        traceback.print_exc()


def _compile(playbooks: Path) -> None:
    """Compile the templates of the playbooks; should this Ansible not be made for that, every run compiles its own."""
    try:
        # by its path: os_faults need not be where this Python looks for modules
        learnt = runpy.run_path(str(Path(__file__).with_name("templates.py")))
        print("templates that are compiled:", learnt["compile_beforehand"](playbooks), flush=True)
    except Exception:  # noqa: BLE001 - whatever it is, it is no reason to be slow in all else
        traceback.print_exc()


def main(listener: socket.socket, directory: Path, playbooks: Path) -> None:
    """Serve the clients that come to ``listener``.

    Args:
        listener: the socket.
        directory: has the packed modules in ``library``; what runs build for hosts is kept in ``modules``.
        playbooks: the directory of our playbooks.
    """
    env = dict(os.environ)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is for the owner
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # the owner may ignore it, but runs wait for their children
    with listener:
        _load(directory / "library")
        _bound_workers()
        _compile(playbooks)
        gc.collect()
        gc.freeze()  # the garbage collector of a run has no business with what is shared with the server
        job = serve(listener, env)
    if job is not None:
        try:
            _become(job)
            built = _own_temporary_directory(directory / "modules")
            job.client.sendall(b"+")
        except OSError:
            os._exit(1)  # nothing has begun: the client starts Ansible itself
        code = _play(built, directory / "modules")
        _tell_the_end(job.client, code)
        os._exit(code)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]))
