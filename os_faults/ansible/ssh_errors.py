"""What ssh printed → the reason in one sentence, with the next step.

A host that greets (banner) or prints at the login writes into the same output, in any words. So a line counts as one
of ssh only where a host can't have written it, or where it is about the key of the login, which the controller knows.
"""

from __future__ import annotations

import base64
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

_VIA_SSH = re.compile(
    r"(Failed to connect to the host via|Data could not be sent to remote host .*reached over) ssh:?\s*", re.IGNORECASE
)
_CHATTER = re.compile(r"Warning: Permanently added|Shared connection to|stdio forwarding failed|@@@|debug\d:|\*\*")
_BECOME = re.compile(r"Timeout \((\d+)s\) waiting for privilege escalation prompt:(.*)", re.DOTALL)
#: The last line of ssh when it does not accept the host key. Then the host could not say anything yet.
_NOT_VERIFIED = "Host key verification failed."
_CHANNEL = re.compile(r"^channel \d+: open failed: (connect failed: )?")
_DENIED = re.compile(r"Permission denied|Too many authentication failures")
_DENIED_ALONE = re.compile(r"Permission denied \([^)]*\)\.?$")
#: The begin of a private key in the format of OpenSSH, and the name of its cipher when it has no passphrase.
_MAGIC = b"openssh-key-v1\0"
_NO_CIPHER = b"\0\0\0\4none"
#: Bytes of a key file in which its header ends.
_HEAD = 1024

Rules = Mapping[re.Pattern[str], Callable[[re.Match[str]], str]]
#: What ssh prints of a key → why it does not use the key.
_KEYS: Rules = MappingProxyType(
    {
        re.compile(r"^Permissions (?P<mode>\d+) for '(?P<key>.+)' are too open", re.MULTILINE): lambda found: (
            f"ssh does not use the key {found['key']}, as others may read it (mode {found['mode']}): "
            f"chmod 600 {shlex.quote(found['key'])}"
        ),
        re.compile(
            r'^Load key "(?P<key>.+)": (?P<why>error in libcrypto|invalid format)', re.MULTILINE
        ): lambda found: (
            f"ssh can't read the key {found['key']} ({found['why']}): it is no private key, or has the line ends of "
            "Windows: write it anew with those of Unix (dos2unix)"
        ),
        re.compile(
            r"^(?:no such identity:|Warning: Identity file) (?P<key>.+?)(?: not accessible)?: No such file",
            re.MULTILINE,
        ): lambda found: f"there is no key {found['key']}; correct private_key_file",
    }
)
#: What ssh prints of a host key → why it does not go on.
_HOST_KEYS: Rules = MappingProxyType(
    {
        re.compile(r"^Offending \S+ key in (.+):(\d+)$", re.MULTILINE): lambda found: (
            f"the host key has changed, or another host answers at this address: find out which; if the new key is "
            f"right, remove the old one, line {found[2]} of {found[1]}"
        ),
        re.compile(r"^No \S+ host key is known for (.+) and you have requested strict", re.MULTILINE): lambda found: (
            f"the host key of {found[1]} is not known: add it to the known-hosts file, "
            "or set host_key_policy to accept-new under ssh"
        ),
    }
)


def reason(message: str, key: str | None = None) -> str:
    r"""Return why a host can't be reached, from Ansible's message with the output of ssh.

    Args:
        message: the message.
        key: path of the private key of the login, if any.

    Example:
        >>> reason("Failed to connect to the host via ssh: no such identity: /k: No such file or directory\nroot@a: "
        ...        "Permission denied (publickey).", "/k")
        'root@a: Permission denied (publickey): there is no key /k; correct private_key_file'
    """
    if asked := _BECOME.match(message):
        printed = " ".join(asked[2].split())
        what = (
            repr(printed) if printed else "nothing on its standard output; Ansible does not tell of its standard error"
        )
        return (
            f"the program that makes another user of the login (sudo) did not ask for the password within {asked[1]} s "
            f"in words that Ansible knows; it printed {what}: log in as that user and try it by hand"
        )
    if not (via := _VIA_SSH.match(message)):
        return message
    return explained(message[via.end() :], key)


def explained(output: str, key: str | None = None) -> str:
    """Return the reason in the output of ssh.

    Args:
        output: what ssh printed; a part of it may come from the host.
        key: path of the private key of the login, if any. Only of this key a hint is given.
    """
    lines = [line.strip() for line in output.splitlines()]
    printed = "\n".join(lines)
    last = next((line for line in reversed(lines) if line and not _CHATTER.search(line)), "the ssh connection was lost")
    if last == _NOT_VERIFIED:
        return next(_found(printed, _HOST_KEYS), last)
    last = _CHANNEL.sub("it can't reach the node: ", last)
    why = _why_not(printed, last, key) if key is not None else ""
    return f"{last.rstrip('.')}: {why}" if why else last


def _why_not(printed: str, last: str, key: str) -> str:
    """Return why a login by its key was denied; "" when it was not, or when nobody knows."""
    if not _DENIED.search(last):
        return ""
    if said := next(_found(printed, _KEYS, os.path.expanduser(key)), ""):
        return said
    if not _DENIED_ALONE.search(last) or not _has_passphrase(key):
        return ""
    add = f"ssh-add {shlex.quote(key)}"
    return f"the key {key} has a passphrase, which is not asked for: load it into ssh-agent ({add})"


def _has_passphrase(key: str) -> bool:
    try:
        with open(key, "rb") as file:
            text = file.read(_HEAD)
        head, _, body = text.partition(b"\n")
        if b"OPENSSH" not in head:
            return b"ENCRYPTED" in text
        decoded = base64.b64decode(body[:64], validate=True)
    except (OSError, ValueError):
        return False
    return decoded.startswith(_MAGIC) and not decoded.startswith(_MAGIC + _NO_CIPHER)


def _found(printed: str, rules: Rules, key: str | None = None) -> Iterator[str]:
    """Yield what the rules find; for a ``key``, only what is about it."""
    for pattern, explain in rules.items():
        yield from (explain(found) for found in pattern.finditer(printed) if key is None or found["key"] == key)
