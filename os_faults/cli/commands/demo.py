"""``os-faults demo``: a demonstration on this machine, in half a minute."""

from __future__ import annotations

import os
import time

import click

from os_faults.cli.globals import command
from os_faults.cli.session import Session
from os_faults.cli.terminal import say
from os_faults.errors import OSFError
from os_faults.system import files


@command("demo")
@click.pass_obj
def demo(session: Session) -> None:
    """Show os-faults on this machine; needs no root, cloud, network or configuration.

    The demo starts two small web services in a private directory, injects faults into them with the playbooks for
    clouds, and measures with requests how long each service was away. It removes everything at the end, also after
    Ctrl-C, and takes about half a minute.
    """
    from os_faults.cli.progress import shown
    from os_faults.demo.probe import INTERVAL, TIMEOUT
    from os_faults.demo.stage import stage
    from os_faults.demo.story import NOT_SHOWN, steps

    if session.config or session.cloud:
        raise click.UsageError("the demo is its own cloud: it takes neither --config nor --cloud")
    begin = time.monotonic()
    taken = []
    runs = files.absolute(session.artifacts_dir) if session.artifacts_dir else None
    with stage(seed=session.seed, artifacts_dir=runs) as built, shown(built.cloud):
        for step in steps(built):
            taken.append(step)
            away = "" if step.away is None else f", away {step.away:.2f} s"
            say(f"{'ok  ' if step.ok else 'NOT '} {step.done} {step.service}: {step.seen}{away}", err=True)
    wrong = [step for step in taken if not step.ok]
    session.out.table(
        "steps",
        ("done", "service", "away", "should", "ok"),
        [step.plain() for step in taken],
        ok=not wrong,
        uid=os.geteuid(),
        seconds=round(time.monotonic() - begin, 2),
        probe={"interval": INTERVAL, "timeout": TIMEOUT},
        not_shown=list(NOT_SHOWN),
    )
    if not session.out.is_document:
        say(f"\naway: seconds from the first request that failed to the next good answer (asked every {INTERVAL} s)")
        for sentence in NOT_SHOWN:
            say(f"not shown: {sentence}")
    if wrong:
        raise OSFError(f"the demo is not as it should be: {', '.join(f'{step.done} {step.service}' for step in wrong)}")
