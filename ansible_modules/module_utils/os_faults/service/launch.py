"""Start a program without a service manager: its process, its log and its pid file."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import BinaryIO, Sequence

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.host import pidfiles, program_log
from ansible.module_utils.os_faults.service import start_script


def open_log(path: str) -> tuple[BinaryIO, list[str]]:
    """Return where a program writes to, and a note if that is not kept, as its log is not trusted.

    Args:
        path: path of its log.
    """
    try:
        return program_log.append_to(path), []
    except errors.Refused as error:
        return open(os.devnull, "ab"), [f"what the service writes is not kept: {error}"]


def spawn(argv: Sequence[str], output: BinaryIO, pidfile: str | None, failure: str) -> subprocess.Popen[bytes]:
    """Return a new process in a session of its own.

    Args:
        argv: its command line.
        output: where it writes to; it is closed here.
        pidfile: path of its pid file, in whose directory it starts; None for none.
        failure: the begin of the message.

    Raises:
        Failed: it can't be started.
    """
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=start_script.working_directory(pidfile),
            # On the controller it is the directory of the run, which the program outlives.
            env={name: value for name, value in os.environ.items() if name != "TMPDIR"},
            start_new_session=True,
        )
    except OSError as error:
        raise errors.Failed(f"{failure}: {error}") from error
    finally:
        output.close()


def write_pidfile(pidfile: str, pid: int, label: str) -> None:
    """Write a pid file; end the process if that fails.

    Args:
        pidfile: path of the file.
        pid: the process.
        label: what the service is called in the message.

    Raises:
        Failed: it can't be written.
    """
    try:
        pidfiles.write(pidfile, pid)
    except OSError as error:
        os.kill(pid, signal.SIGTERM)
        raise errors.Failed(f"{label} can't be started: {pidfile}: {error}") from error


def drop_pidfile(pidfile: str | None, label: str) -> None:
    """Remove an old pid file, if there is any.

    Args:
        pidfile: path of the file; None for none.
        label: what the service is called in the message.

    Raises:
        Failed: it can't be removed.
    """
    try:
        if pidfile:
            pidfiles.remove(pidfile)
    except OSError as error:
        raise errors.Failed(f"{label}: its old pid file can't be removed: {error}") from error
