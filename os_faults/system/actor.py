"""The acting user: a name for the records of every node, and for people."""

from __future__ import annotations

import getpass
import os
import pwd
import re
import socket

#: No blanks, no control characters, no characters of templates or shells; users of a domain have an ``@``.
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}")


def acting() -> str:
    """Return ``user@controller``: the user from the environment if the name is plain, else from the account."""
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
