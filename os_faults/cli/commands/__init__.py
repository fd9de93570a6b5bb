"""The commands of ``os-faults``, one file each."""

from os_faults.cli.commands.completion import completion
from os_faults.cli.commands.containers import containers
from os_faults.cli.commands.demo import demo
from os_faults.cli.commands.discover import discover
from os_faults.cli.commands.drivers import drivers
from os_faults.cli.commands.faults import faults
from os_faults.cli.commands.heal import heal
from os_faults.cli.commands.init import init
from os_faults.cli.commands.inject import inject
from os_faults.cli.commands.inventory import inventory
from os_faults.cli.commands.nodes import nodes
from os_faults.cli.commands.plan import plan
from os_faults.cli.commands.playbooks import playbooks
from os_faults.cli.commands.runs import runs
from os_faults.cli.commands.services import services
from os_faults.cli.commands.verify import verify

#: In the order of the help.
COMMANDS = (
    init,
    verify,
    nodes,
    services,
    containers,
    faults,
    inject,
    heal,
    plan,
    inventory,
    discover,
    runs,
    playbooks,
    drivers,
    completion,
    demo,
)
