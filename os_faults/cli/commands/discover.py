"""``os-faults discover OUT``: a configuration with the discovered nodes and services."""

from __future__ import annotations

from pathlib import Path

import click

from os_faults.cli.globals import command
from os_faults.cli.session import Session
from os_faults.cli.terminal import say
from os_faults.system import files


@command("discover")
@click.argument("out", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.pass_obj
def discover(session: Session, out: Path) -> None:
    """Discover the nodes and services, and write them as a configuration.

    OUT: the YAML file; an existing one is replaced, and only you can read it. It can replace the present configuration.
    - prints it instead.
    """
    import yaml

    from os_faults.config import load, portable
    from os_faults.errors import ConfigError
    from os_faults.export import described

    path = files.absolute(out)
    named = (None, session.config, session.cloud)
    with session.connected() as cloud:
        text = yaml.safe_dump(described(cloud, load(*named), portable(*named)), sort_keys=False)
    if str(out) == "-":
        say(text, nl=False)
        return
    try:
        files.replace(path, text)
    except OSError as error:
        raise ConfigError(f"can't write {out}: {error.strerror}") from None
    say(f"Saved {out}")
