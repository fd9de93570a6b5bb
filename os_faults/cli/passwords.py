"""A hint at the passwords, which are in no inventory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from os_faults.cli.terminal import say

if TYPE_CHECKING:
    from os_faults.model import Node


def hint_at_passwords(nodes: Iterable[Node]) -> None:
    """Print on stderr the options of ansible-playbook for the passwords of the nodes, if they have any."""
    logins = [node.auth for node in nodes]
    words = ["--ask-pass"] if any(login.password for login in logins) else []
    words += ["--ask-become-pass"] if any(login.become and login.become_password for login in logins) else []
    if words:
        say(f"os-faults: passwords are not in the inventory: give ansible-playbook {' '.join(words)}", err=True)
