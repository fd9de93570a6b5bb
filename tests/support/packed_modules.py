"""Modules in packed form, run as processes of their own, as a host runs them; and a mount that does not answer."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from os_faults import resources
from os_faults.ansible.warm.packing import pack, read_utils

#: A user of this machine without any rights; nobody has this number.
MALLORY = 64242
PYTHON = next((path for path in ("/usr/bin/python3", sys.executable) if Path(path).exists()), sys.executable)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="acts as root and as another user")


@cache
def packed(name: str, source: str) -> str:
    """Return a module of this text in packed form."""
    made = pack(name, source, read_utils(resources.module_utils_dir()))
    assert made is not None
    return made


def source_of(name: str) -> str:
    """Return the text of a module."""
    return (resources.modules_dir() / f"{name}.py").read_text()


def text_of(name: str, arguments: Mapping[str, Any], source: str | None = None) -> str:
    """Return the program that Ansible gives to the Python of a host."""
    literal = json.dumps(json.dumps(arguments))[1:-1]
    return packed(name, source or source_of(name)).replace("<<INCLUDE_ANSIBLE_MODULE_COMPLEX_ARGS>>", literal)


def answer_of(
    module: str, /, *, user: int = 0, patience: float = 60, home: str = "/", cwd: str = "/", **arguments: Any
) -> dict[str, Any]:
    """Run a module with these arguments as a user, in a directory, and return what it answers."""
    as_user: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user else {}
    # Where root of this machine keeps the faults of this test, apart from those of others.
    own = {} if user else {name: os.environ[name] for name in ("XDG_RUNTIME_DIR",) if name in os.environ}
    done = subprocess.run(
        [PYTHON, "-"],
        input=text_of(module, arguments),
        capture_output=True,
        text=True,
        timeout=patience,
        cwd=cwd,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home, **own},
        check=False,
        **as_user,
    )
    assert done.stderr == ""
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@contextmanager
def hung_mount(directory: Path) -> Iterator[Path]:
    """Mount a file system that answers nothing, as one whose server is gone; skip the test where that can't be done."""
    libc = ctypes.CDLL(None, use_errno=True)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        device = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        pytest.skip(f"no FUSE here: {error}")
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    if libc.mount(b"hung", os.fsencode(directory), b"fuse", 0, options) != 0:
        os.close(device)
        pytest.skip(f"nothing can be mounted here: {os.strerror(ctypes.get_errno())}")
    try:
        yield directory
    finally:
        os.close(device)  # what waits for an answer gets an error
        libc.umount2(os.fsencode(directory), 2)
