"""The only way to the terminal: what others say (hosts, files, users, errors) is shown, and steers nothing."""

from __future__ import annotations

import errno
import json
import math
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

import click

from os_faults.errors import OSFError
from os_faults.system.text import printable


def say(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text; what would steer a terminal, or what it has no letters for, is spelled out.

    Args:
        text: lines and tabs stay what they are.
        err: to stderr. What can't be written there is lost, as there is nobody left to be told.
        nl: end the line.

    Raises:
        OSFError: stdout can't be written to.
        BrokenPipeError: its reader is gone.
    """
    stream = sys.stderr if err else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    shown = "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))
    try:
        click.echo(shown.encode(encoding, "backslashreplace").decode(encoding), err=err, nl=nl)
    except (OSError, ValueError) as error:  # a closed file is a ValueError
        _drop(stream)
        if err:
            return
        if getattr(error, "errno", None) == errno.EPIPE:
            raise
        raise OSFError(f"can't write the output: {getattr(error, 'strerror', None) or error}") from error


def settle() -> None:
    """Drop what could not be written to the standard streams, when nothing more will be said."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # a closed file is a ValueError
            _drop(stream)


def _drop(stream: TextIO) -> None:
    """Drop what a stream could not write: Python tries it again at the end, and exits with 120 if that fails too."""
    with suppress(OSError, ValueError):  # a stream without a descriptor, or one that is closed
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, stream.fileno())
        os.close(descriptor)


def say_json(content: Any) -> None:
    """Print plain data as a document of JSON, which has no word for numbers that are none: they are null.

    Raises:
        OSFError: see `say`.
    """
    text = json.dumps(_finite(content), indent=2, default=str, allow_nan=False)
    say(text.replace("\x7f", "\\u007f"))


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
