"""What the errors of IPMI mean; pyghmi tells them by words only."""

from __future__ import annotations

import struct

from ansible.module_utils.os_faults.power import again

KINDS: tuple[tuple[str, str], ...] = (
    ("insufficient resources", again.BUSY),  # no free session; it tells to wait for one
    ("no available login slot", again.BUSY),
    ("no slot available", again.BUSY),
    ("node busy", again.BUSY),
    ("not supported in present state", again.BUSY),  # between off and on
    ("initialization in progress", again.BUSY),
    ("update mode", again.BUSY),
    ("internal destination unavailable", again.BUSY),
    ("timeout", again.LOST),
    ("no longer connected", again.LOST),
    ("failed to initialize", again.LOST),
    ("could not be provided", again.LOST),
    ("duplicated request", again.LOST),
    ("invalid session id", again.LOST),
    ("inactive session id", again.LOST),
    ("unspecified", again.LOST),
    ("incorrect password", again.DENIED),
    ("unauthorized", again.DENIED),
    ("integrity check value", again.DENIED),
    ("wrong kg", again.DENIED),
    ("unable to transmit", again.ABSENT),
)
"""What pyghmi's words contain, in lower case → the kind of trouble; all others are refusals."""

OLD_CIPHER = (
    "speaks no cipher suite that pyghmi does: it answers with SHA1 where it is asked for SHA256, as virtualbmc does; "
    "use the driver libvirt or redfish (sushy-emulator) for this machine"
)
"""What pyghmi's own stumbling over virtualbmc means, and what to do."""


def trouble_of(error: Exception, place: str, username: str, logged_in: bool) -> again.Trouble:
    """Return the trouble of an error that came out of pyghmi.

    Args:
        error: of any type, as pyghmi checks little of what a BMC sends.
        place: address and port of the BMC.
        username: who logs in.
        logged_in: whether a command may have been sent.

    >>> error = Exception("Command not supported in present state")
    >>> trouble_of(error, "10.0.0.2:623", "admin", logged_in=True).kind
    'busy'
    """
    told = str(error)
    lost = again.LOST if logged_in else again.ABSENT
    if isinstance(error, struct.error) and not logged_in:
        return again.Trouble(f"the BMC at {place} {OLD_CIPHER}", again.REFUSED)
    if isinstance(error, (struct.error, LookupError, TypeError, AssertionError)):
        return again.Trouble(f"the answer of the BMC at {place} makes no sense to pyghmi: {error!r}", lost)
    if told in ("", "None"):
        where = "it is off, nothing listens there, or the way is closed"
        return again.Trouble(f"no BMC answers at {place}: {where}", lost)
    if "Incorrect password" in told:
        return again.Trouble(f"the BMC at {place} refuses the password of the user '{username}'", again.DENIED)
    if "Unauthorized name" in told:
        return again.Trouble(f"the BMC at {place} has no user '{username}'", again.DENIED)
    kind = lost if isinstance(error, OSError) else kind_of(told)
    return again.Trouble(f"the BMC at {place}: {told}", lost if kind == again.LOST else kind)


def kind_of(words: str) -> str:
    """Return the kind of trouble that pyghmi's words tell.

    >>> kind_of("Insufficient resources to create new session (wait for existing sessions to timeout)")
    'busy'
    >>> kind_of("Invalid command")
    'refused'
    """
    return next((kind for part, kind in KINDS if part in words.lower()), again.REFUSED)
