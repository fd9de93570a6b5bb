"""``os-inject-fault "SENTENCE"``: the other command, which takes a sentence."""

from __future__ import annotations

import click

from os_faults.cli import names
from os_faults.cli.globals import Command, version_option
from os_faults.cli.outcome import Outermost
from os_faults.cli.session import Session
from os_faults.cli.terminal import say


class InjectFault(Outermost, Command):
    """The command; its help is generated when it is requested."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs, the drivers, and where the services are."""
        from os_faults.human import forms
        from os_faults.registry import KINDS, present_names

        verbs_of: dict[str, list[str]] = {}
        for form in forms():
            verbs_of.setdefault(form.kind, []).append(form.verb)
        with formatter.section("Verbs"):
            formatter.write_dl([(f"of a {kind}", " ".join(verbs)) for kind, verbs in verbs_of.items()])
        with formatter.section("Drivers"):
            formatter.write_dl([(kind, " ".join(present_names(kind))) for kind in KINDS])
        with formatter.section("Services"):
            formatter.write_text("Those of your cloud: os-faults services")


@click.pass_context
def _inject(ctx: click.Context, /, verify: bool, command: tuple[str, ...]) -> None:
    session = ctx.ensure_object(Session)
    if not command and not verify:
        say(ctx.get_help())
        return
    from os_faults.human import action_of

    with session.connected() as cloud:
        if verify:
            cloud.verify()
            say("os-faults: the cloud can be reached and used", err=True)
        if command:
            sentences = " ".join(command).split(";")
            results = cloud.perform_all([action_of(cloud, sentence) for sentence in sentences])
            session.out.results(results)
            for result in results:
                result.raise_for_status()


inject_fault = InjectFault(
    "os-inject-fault",
    callback=_inject,
    params=[
        click.Argument(["command"], nargs=-1, metavar="SENTENCE", shell_complete=names.sentence),
        click.Option(["-v", "--verify"], is_flag=True, help="First check that every node can be reached and used."),
        version_option(),
    ],
    show_globals=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Do what a sentence says, such as\n\n"
    "\b\n"
    "  os-inject-fault restart keystone service on one node\n"
    "  os-inject-fault freeze keystone service for 30 seconds\n"
    "  os-inject-fault reboot node-2.domain.tld node\n"
    "  os-inject-fault disconnect storage network on 2 nodes with mysql service\n"
    "  os-inject-fault fill_disk one node with path /var/lib and free 10M\n"
    "  os-inject-fault 'restart keystone service; kill mysql service on one node'\n\n"
    "A sentence that is not understood whole is refused, and nothing is touched.",
)
