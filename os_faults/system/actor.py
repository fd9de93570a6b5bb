"""Who acts: a word that goes to every node, into its records and in front of people."""

from __future__ import annotations

import getpass
import os
import pwd
import re
import socket

#: Neither blank nor control character, nothing of a template or of a shell; a domain's users have an ``@``.
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}")


def acting() -> str:
    """Return ``user@controller``: the user as the environment names him, if that is plain, else by his account."""
    return f"{_user()}@{_host()}"


def _user() -> str:
    for ask in (getpass.getuser, lambda: pwd.getpwuid(os.getuid()).pw_name):
        try:
            name = ask()
        except (KeyError, OSError):  # a uid without a name
            continue
        if _PLAIN.fullmatch(name):
            return name
    return str(os.getuid())


def _host() -> str:
    name = socket.gethostname()
    return name if _PLAIN.fullmatch(name) else "controller"
