"""The server: a process with Ansible in memory that forks for every run of ``ansible-playbook``, see `client`.

It is run as a program, with the file descriptor of its socket and the paths of a private directory, of the playbooks,
and of a file with compiled templates. It ends with its parent, after ten minutes without a client, or by SIGTERM; its
running runs continue.

It loads Ansible's own modules, classes and files beforehand, and nothing of a run: no inventory, no playbook, no
variable. If Ansible can't be loaded like this, every run starts its own.
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

#: Seconds without a client after which the server ends, to free its memory.
_IDLE = 600.0
#: Seconds between two checks whether the parent still lives.
_LOOK = 1.0
#: Seconds that a client has to send its job.
_PATIENCE = 5.0
#: Most bytes of memory for the process of one host.
_MEMORY = 512 * 1024 * 1024
#: The environment variable that differs from run to run.
_OF_A_RUN = "AWX_ISOLATED_DATA_DIR"
#: Name of the Ansible processes of a run, for `os_faults.ansible.leftovers`.
_NAME = "ansible-playbook"
#: Prefixes of the names of Ansible's modules and of ours.
_MODULES = ("ansible.modules.", "ansible.legacy.osf_")


#: Kinds of plugins that Ansible loads completely for every run.
_WHOLE_KINDS = ("become", "connection", "shell")
#: Further plugins of a common run, by kind. Not ansible-runner's callback, which reads the run's directory from the
#: environment when it is loaded, and no vars plugins, as Ansible keeps their objects instead of their classes.
_PLUGINS = {
    "action": ("command", "fail", "include_tasks", "normal", "raw", "set_fact"),
    "cache": ("memory",),
    "callback": ("default", "junit", "minimal", "oneline", "tree"),
    "inventory": ("yaml",),
    "strategy": ("linear",),
}
#: Modules that each run, or even the process of each host, would import; modules that don't exist are skipped.
_LATE = (
    "ansible.module_utils._internal._json._profiles._module_legacy_c2m",
    "ansible.module_utils._internal._json._profiles._module_legacy_m2c",
    "ansible.playbook.handler_task_include",
    "multiprocessing.popen_fork",
    "multiprocessing.synchronize",
)


class Job(NamedTuple):
    """One run, requested by a client.

    Attributes:
        argv: the command line, the path of the real ``ansible-playbook`` first.
        cwd: the directory to run in.
        env: the whole environment.
        streams: file descriptors of the client's standard output and error.
        client: the socket for the exit status, one byte.
    """

    argv: list[str]
    cwd: str
    env: dict[str, str]
    streams: list[int]
    client: socket.socket


def serve(listener: socket.socket, env: dict[str, str]) -> Job | None:
    """Fork for every client; return its job in the forked child, None when the server ends.

    Args:
        listener: the socket for clients.
        env: the environment of every run, except the variable that differs from run to run.
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
            job = _read_job(client, env)
            if job is None:
                continue  # the client finds its connection closed and starts Ansible itself
            if os.fork() == 0:
                return job._replace(client=client.dup())
            for descriptor in job.streams:
                os.close(descriptor)
    return None


def _collect() -> None:
    """Reap the ended runs, so that their CPU time counts for this process."""
    with contextlib.suppress(ChildProcessError):  # there is none
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _read_job(client: socket.socket, env: dict[str, str]) -> Job | None:
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
    """Turn this process into a newly started ``ansible-playbook``."""
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Standard input is not the client's terminal: a terminal can't control a second process, and nobody types there.
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
    # /proc shows the environment of the server. This open directory, which the worker processes inherit, marks a
    # process of this run.
    if job.env.get(_OF_A_RUN):
        os.open(job.env[_OF_A_RUN], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _own_temporary_directory(modules: Path) -> Path:
    """Create Ansible's directory for temporary files: the run would remove it, and must not remove the server's.

    Args:
        modules: the directory with the built modules of earlier runs, ready for hosts.
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
    """Keep the modules that this run has built for later runs: to build one takes as long as the rest of a run.

    Only modules of Ansible and os_faults are kept: when they change, there is a new server. A user may edit his own
    modules at any time.
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


def _send_exit_status(client: socket.socket, code: int) -> None:
    """Close the terminal, then send the exit status: the client must not end before all output is written."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    with contextlib.suppress(OSError):
        client.sendall(bytes([code]))


def _load(library: Path) -> None:
    """Load Ansible and the plugins of a common run, with their descriptions.

    Args:
        library: a directory of modules, which take precedence over all others.
    """
    import ansible.cli.playbook
    from ansible.plugins import loader

    loader.init_plugin_loader()
    # The plugin loader is initialized once in a process; it warns when a run does it again.
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
    """Limit the memory of Ansible's process for each host, so that an endless answer is a failure of only that host.

    Hosts with a local connection have no limit, as services started there would inherit it for ever.
    """
    try:
        from ansible.executor.process.worker import WorkerProcess

        ansibles_own = WorkerProcess.run

        def run(self: Any) -> Any:
            if self._host.vars.get("ansible_connection") == "ssh":
                resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
            return ansibles_own(self)

        WorkerProcess.run = run
    except Exception:  # noqa: BLE001 - another version of Ansible: runs have no limit
        traceback.print_exc()


def _compile(playbooks: Path, kept: Path | None) -> None:
    """Compile the templates of the playbooks, or read them where they are kept.

    If this version of Ansible does not allow it, every run compiles them.
    """
    try:
        # by its path: os_faults may not be on the module path of this Python
        learnt = runpy.run_path(str(Path(__file__).with_name("templates.py")))
        print("templates that are compiled:", learnt["compile_beforehand"](playbooks, kept), flush=True)
    except Exception:  # noqa: BLE001 - only the templates are slower then
        traceback.print_exc()


def main(listener: socket.socket, directory: Path, playbooks: Path, kept: Path | None) -> None:
    """Serve the clients of a socket.

    Args:
        listener: the socket.
        directory: has the packed modules in ``library``, and the modules that runs have built in ``modules``.
        playbooks: the directory of our playbooks.
        kept: the file with their compiled templates, if there may be one.
    """
    env = dict(os.environ)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is for the owner
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # the owner may ignore it, but runs wait for their children
    with listener:
        _load(directory / "library")
        _bound_workers()
        _compile(playbooks, kept)
        gc.collect()
        gc.freeze()  # the garbage collector of a run must not touch the memory that it shares with the server
        job = serve(listener, env)
    if job is not None:
        try:
            _become(job)
            built = _own_temporary_directory(directory / "modules")
            job.client.sendall(b"+")
        except OSError:
            os._exit(1)  # nothing has begun: the client starts Ansible itself
        code = _play(built, directory / "modules")
        _send_exit_status(job.client, code)
        os._exit(code)


if __name__ == "__main__":
    _number, _directory, _playbooks, _kept = sys.argv[1:]
    main(socket.socket(fileno=int(_number)), Path(_directory), Path(_playbooks), Path(_kept) if _kept else None)
