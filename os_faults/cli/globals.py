"""The global options. They may stand before the command or after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from os_faults.cli import names
from os_faults.cli.session import LOG_LEVELS, OUTPUTS, Session
from os_faults.cli.terminal import say


def _set(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Keep the value of a global option, also for completion; a value after the command wins."""
    name = str(param.name)
    if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
        setattr(ctx.ensure_object(Session), name, value)


def _debug(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    """Set the log level to debug: ``-d`` is short for ``--log-level debug``."""
    if value:
        ctx.ensure_object(Session).log_level = "debug"


def _version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from os_faults.version import get_version

        say(f"os-faults {get_version()}")
        ctx.exit()


def _options(hidden: bool) -> list[click.Option]:
    common: dict[str, Any] = {"expose_value": False, "callback": _set, "is_eager": True, "hidden": hidden}
    return [
        click.Option(
            ["-c", "--config"],
            type=click.Path(),
            metavar="FILE",
            help="Configuration file; the default is $OS_FAULTS_CONFIG, then the usual places.",
            **common,
        ),
        click.Option(
            ["--cloud"],
            metavar="NAME",
            shell_complete=names.clouds,
            help="Use this cloud of clouds.yaml; it needs an os_faults block.",
            **common,
        ),
        click.Option(
            ["--artifacts-dir"],
            type=click.Path(),
            metavar="DIRECTORY",
            help="Directory for the artifacts of the runs.",
            **common,
        ),
        click.Option(["--seed"], type=int, help="Seed of the random choices, to repeat them.", **common),
        click.Option(
            ["--output"], type=click.Choice(OUTPUTS), help="Format of the results.  [default: text]", **common
        ),
        click.Option(
            ["--log-level"],
            type=click.Choice(LOG_LEVELS),
            help="Level of the log on stderr.  [default: warning]",
            **common,
        ),
        click.Option(
            ["-d", "--debug"], is_flag=True, help="The same as --log-level debug.", **{**common, "callback": _debug}
        ),
    ]


def version_option() -> click.Option:
    """Return ``--version``; the version is looked up only when the option is given."""
    return click.Option(
        ["--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_version,
        help="Show the version and exit.",
    )


class Command(click.Command):
    """A command that also takes the global options, and starts logging when it runs."""

    def __init__(self, *args: Any, show_globals: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _options(hidden=not show_globals)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        ctx.ensure_object(Session).start_logging()
        return super().invoke(ctx)


class Group(click.Group):
    """A group that takes the global options, and suggests the nearest names for an unknown command."""

    def __init__(self, *args: Any, show_globals: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _options(hidden=not show_globals)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of the first word."""
        word = args[0]
        if not ctx.resilient_parsing and not word.startswith("-") and self.get_command(ctx, word) is None:
            from os_faults.errors import did_you_mean

            ctx.fail(f"no {self.word} {word!r}: {did_you_mean(word, self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    word = "command"


def command(name: str, **settings: Any) -> Callable[[Callable[..., Any]], Command]:
    """Make a function a `Command`; its help is the function's docstring."""
    return click.command(name, cls=Command, **settings)
