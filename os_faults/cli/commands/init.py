"""``os-faults init``: writes a configuration to begin with."""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path

import click

from os_faults.cli import names
from os_faults.cli.globals import command
from os_faults.cli.terminal import say
from os_faults.errors import ArgumentError, ConfigError
from os_faults.system import files

_HEAD = """\
# Configuration of os-faults. Change the addresses and the login, then check it: os-faults verify
# Every key is explained in docs/configuration.md; this example is that of the driver {name}.
"""

_MORE = """\

# The power of the nodes, for poweroff, reset and the like; drivers: ipmi, libvirt, redfish.
# power_management: {driver: libvirt, address: hypervisor.local, username: root}

# What must never be broken, and how many nodes at most at a time.
# limit: 50%
# protected: {nodes: [node-1.domain.tld], services: [mysql]}

# How long a fault lasts when a call gives no time.
# heal_after: 30min
"""


@command(
    "init",
    help="Write a commented configuration to begin with.\n\n"
    "\b\nKIND: the kind of cloud: devstack, fuel, kolla, saltcloud, universal.\n"
    "OUT: the new YAML file [default: os-faults.yaml]; - prints it instead.",
)
@click.argument("kind", shell_complete=names.kinds_of_cloud)
@click.argument("out", default="os-faults.yaml", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
def init(kind: str, out: Path) -> None:
    """Write a commented configuration to begin with."""
    from os_faults.errors import did_you_mean
    from os_faults.registry import present_names

    clouds = present_names("cloud")
    if kind not in clouds:
        raise ArgumentError(f"no kind of cloud {kind!r}: {did_you_mean(kind, clouds)}")
    text = _HEAD.format(name=kind) + _example(kind) + _MORE
    if str(out) == "-":
        say(text, nl=False)
        return
    try:
        files.create(files.absolute(out), text)
    except FileExistsError:
        raise ConfigError(f"{out} exists already, and was not changed; name another file") from None
    except OSError as error:
        raise ConfigError(f"can't write {out}: {error.strerror}") from None
    say(f"Wrote {out}. Next: change its addresses and login, then run: os-faults verify")


def _example(cloud: str) -> str:
    """Return the example of a driver: the first block of YAML in its docstring."""
    from os_faults.registry import get

    _, _, after = (inspect.getdoc(get("cloud", cloud)) or "").partition(".. code-block:: yaml\n\n")
    lines = after.splitlines()
    end = next((place for place, line in enumerate(lines) if line and not line.startswith(" ")), len(lines))
    return textwrap.dedent("\n".join(lines[:end])).rstrip() + "\n"
