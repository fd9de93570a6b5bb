"""All output to the terminal: text of hosts, files, users and errors is shown, and can't control the terminal."""

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
    """Print a text; escape characters that would control a terminal, or that it can't show.

    Args:
        text: the text; line breaks and tabs are kept.
        err: print to stderr. Text that can't be written there is lost without an error.
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
    """Flush the standard streams at the end of the command, and drop the text that can't be written."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # a closed file is a ValueError
            _drop(stream)


def _drop(stream: TextIO) -> None:
    """Drop the unwritten text of a stream: Python would try again at its end, and exit with 120 if that fails."""
    with suppress(OSError, ValueError):  # a stream without a descriptor, or one that is closed
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, stream.fileno())
        os.close(descriptor)


def say_document(content: Any, form: str) -> None:
    """Print plain data as a document.

    Args:
        content: the data.
        form: ``json`` or ``yaml``.

    Raises:
        OSFError: see `say`.
    """
    (say_json if form == "json" else _say_yaml)(content)


def say_json(content: Any) -> None:
    """Print plain data as a JSON document; JSON has no NaN and no infinity, so they become null.

    Raises:
        OSFError: see `say`.
    """
    say(_json(content))


def _json(content: Any) -> str:
    text = json.dumps(_finite(content), indent=2, default=str, allow_nan=False)
    return text.replace("\x7f", "\\u007f")


def _say_yaml(content: Any) -> None:
    import yaml

    plain = json.loads(_json(content))  # the same values as in the JSON document
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    if not all(map(str.isprintable, text.splitlines())):
        text = yaml.safe_dump(plain, sort_keys=False)  # YAML escapes the other characters itself
    say(text, nl=False)


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
