"""The outcome of a command: errors become one line and an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import click

from os_faults.cli.interrupts import handled
from os_faults.cli.session import Session
from os_faults.cli.terminal import say, settle
from os_faults.errors import OSFException, UndoError
from os_faults.system.process import have_streams
from os_faults.system.text import printable

EXIT_CODES = """\b
Exit codes:
  0    done
  1    not achieved
  2    wrong usage or configuration; nothing was touched
  3    no node could be reached
  4    done on some nodes only
  5    a fault could not be undone
  130  interrupted by Ctrl-C, and what ran was undone; 143 by SIGTERM,
       129 by SIGHUP (a second Ctrl-C prints when the nodes undo it by
       themselves, a third exits at once)"""


class Outermost(click.Command):
    """An outermost command: every error in it becomes one line and an exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line; return only if ``standalone_mode`` is False."""
        with suppress(OSError):  # without /dev/null, the first use of a missing stream reports it
            have_streams()
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except Exception as error:  # also an error before a command runs
            if not standalone_mode:
                raise
            code = _report(extra.get("obj") or Session(), error)
        if not standalone_mode:
            return code
        settle()
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> None:
        """Run the command and turn its errors into exit codes."""
        session = ctx.ensure_object(Session)
        with handled():  # also while an interruption is reported
            try:
                super().invoke(ctx)
            except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
                raise  # click handles them
            except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - ends here as one line
                ctx.exit(_report(session, error))


def _report(session: Session, error: BaseException) -> int:
    """Print an error, and return the exit code."""
    if isinstance(error, click.ClickException):
        return _refuse(error)
    if isinstance(error, click.Abort):
        return 130
    if isinstance(error, KeyboardInterrupt):
        lines = (*getattr(error, "__notes__", ()), str(error) or "interrupted")
        code = _code_of(error)
    elif isinstance(error, OSFException):
        session.out.error(error)
        lines, code = (), error.exit_code
    else:  # a defect of ours is one line, too
        lines = (f"unexpected {type(error).__name__}: {error} (--log-level debug shows where)",)
        code = 1
    for line in lines:
        say(f"os-faults: {printable(line)}", err=True)
    if session.debug:
        say("".join(traceback.format_exception(error)), err=True)
    return code


def _code_of(interruption: KeyboardInterrupt) -> int:
    """Return the exit code of an interruption; its cause is the error of a failed rollback, if any."""
    if interruption.__cause__ is not None:
        return UndoError.exit_code
    return int(getattr(interruption, "exit_code", 130))


def _refuse(error: click.ClickException) -> int:
    """Print an error of the command line in one line; a command without arguments prints its help."""
    message = error.format_message()
    context = getattr(error, "ctx", None)
    if "\n" in message:
        say(message, err=True)
    elif context is not None:
        say(f"os-faults: {message.rstrip('.')} (see '{context.command_path} --help')", err=True)
    else:
        say(f"os-faults: {message}", err=True)
    return error.exit_code
