"""``os-faults discover OUT``: a configuration with what was found."""

from __future__ import annotations

import os
from pathlib import Path

import click

from os_faults.cli.globals import command
from os_faults.cli.session import Session


@command("discover")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def discover(session: Session, out: Path) -> None:
    """Write a configuration in which all nodes and services stand as they were found.

    OUT: the file, YAML, for your eyes only. It can be used in place of the present configuration.
    """
    import yaml

    from os_faults.config import load, portable
    from os_faults.discovered import described
    from os_faults.errors import ConfigError

    named = (None, session.config, session.cloud)
    with session.connected() as cloud:
        text = yaml.safe_dump(described(cloud, load(*named), portable(*named)), sort_keys=False)
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text)
    except OSError as error:
        raise ConfigError(f"can't write {out}: {error.strerror}") from None
    click.echo(f"Saved {out}")
