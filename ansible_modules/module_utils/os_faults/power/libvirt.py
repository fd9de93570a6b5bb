"""Domains of libvirt: how one is found, and asked within bounds.

libvirt is imported here only, so each module says by `require` what is missing where it is.
"""

from __future__ import annotations

import errno
import os
import shlex
import tempfile
import time
import traceback
import xml.etree.ElementTree as ElementTree
from urllib.parse import parse_qs, quote, urlsplit
from typing import Any, Callable, Iterable, Iterator, Mapping, NamedTuple

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.power import again, steps

try:
    import libvirt
except ImportError:
    libvirt = None
    LIBVIRT_TRACEBACK = traceback.format_exc()

ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    "uri": {"type": "str", "default": "qemu:///system"},
    "ssh_args": {"type": "list", "elements": "str", "default": []},
    "domain": {"type": "str"},
    "macs": {"type": "list", "elements": "str"},
}
"""The options that all modules for domains have."""

RULES = {"required_one_of": [("domain", "macs")], "mutually_exclusive": [("domain", "macs")]}
"""Which of them go together, for `AnsibleModule`."""

DISTANCE = 1.0
"""Seconds between two looks at a domain that changes, at most."""

GOODBYE = 2
"""Seconds that the end of a connection may take; a broken one may not answer to it."""

KINDS: Mapping[int, str] = {
    38: again.LOST,  # VIR_ERR_SYSTEM_ERROR: what libvirt asked of the system failed
    39: again.LOST,  # VIR_ERR_RPC
    68: again.BUSY,  # VIR_ERR_OPERATION_TIMEOUT: another job has the domain
    87: again.BUSY,  # VIR_ERR_RESOURCE_BUSY
}
"""Code of an error of libvirt → the kind of trouble; all others are refusals."""

KINDS_OF_SYSTEM: Mapping[int, str] = {
    errno.EACCES: again.REFUSED,
    errno.EPERM: again.REFUSED,
    errno.ENOSPC: again.REFUSED,
    errno.EAGAIN: again.BUSY,
}
"""Error number of the system → the kind of trouble, where it is not `LOST` as all others."""

FROM_RPC = 7
"""Domain of errors of the connection itself (VIR_FROM_RPC): the daemon or its host went away."""


def kind_of(code: int, domain: int, number: int) -> str:
    """Return the kind of trouble of an error of libvirt.

    Args:
        code: what went wrong, such as 38 for VIR_ERR_SYSTEM_ERROR.
        domain: the part of libvirt that tells it.
        number: the system's error number where ``code`` is 38.

    >>> kind_of(38, 0, errno.EBUSY)  # destroy: the kill was sent, and the process has not ended yet
    'lost'
    >>> kind_of(42, 10, 0)  # no such domain
    'refused'
    """
    if domain == FROM_RPC:
        return again.LOST
    kind = KINDS.get(code, again.REFUSED)
    return KINDS_OF_SYSTEM.get(number, kind) if code == 38 else kind


def require(module: AnsibleModule) -> None:
    """End the module with a sentence where libvirt can't be imported; else keep libvirt from printing."""
    if libvirt is None:
        module.fail_json(msg=steps.missing("libvirt", "os-faults[libvirt]"), exception=LIBVIRT_TRACEBACK)
    libvirt.registerErrorHandler(lambda _context, _error: None, None)  # else errors are also printed


def macs_of(xml: str) -> set[str]:
    """Return the MAC addresses of the interfaces of a domain, in lower case.

    >>> sorted(macs_of("<domain><devices><interface><mac address='52:54:00:AA:00:01'/></interface></devices></domain>"))
    ['52:54:00:aa:00:01']
    """
    root = ElementTree.fromstring(xml)  # noqa: S314 - what libvirt itself has written
    return {steps.plain_mac(mac.get("address", "")) for mac in root.findall("./devices/interface/mac")}


def told(domains: Iterable[Any], tell: Callable[[Any], Any]) -> Iterator[Any]:
    """Yield what each domain tells; one that vanishes meanwhile is left out."""
    for domain in domains:
        try:
            yield tell(domain)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise


def with_command(uri: str, command: str) -> str:
    """Return a URI that makes libvirt start ``command`` as its ssh; one that names its own keeps it.

    >>> with_command("qemu+ssh://root@kvm/system?no_tty=1", "/tmp/a b")
    'qemu+ssh://root@kvm/system?no_tty=1&command=/tmp/a%20b'
    >>> with_command("qemu+ssh://kvm/system?command=/bin/mine", "/tmp/ssh")
    'qemu+ssh://kvm/system?command=/bin/mine'
    """
    query = urlsplit(uri).query
    if "command" in parse_qs(query):
        return uri
    return f"{uri}{'&' if query else '?'}command={quote(command)}"


class Found(NamedTuple):
    """The domain that was looked for, over one connection."""

    connection: Any
    domain: Any
    facts: Mapping[str, Any]
    """The part of the answer that says which domain it is."""


class Domain:
    """The domain of a machine, and the only place where it is looked at and acted on.

    Args:
        params: of the module; see `ARGUMENTS`.
        directory: for the program that libvirt starts as its ssh; Ansible removes it after the module.

    Attributes:
        name: what the domain is called in sentences.
        patience: seconds in which libvirt must answer.
        distance: seconds between two looks at a domain that changes.
    """

    distance = DISTANCE

    def __init__(self, params: Mapping[str, Any], directory: str) -> None:
        self.uri = params["uri"]
        self.wanted = params["domain"]
        self.macs = [steps.plain_mac(mac) for mac in params["macs"] or []]
        self.patience = params["connect_timeout"]
        self._deadline = time.monotonic() + params["timeout"]
        self.name = f"libvirt at {self.uri}"  # until the domain is found
        self._address = self.uri
        if urlsplit(self.uri).scheme.endswith("+ssh"):
            self._address = with_command(self.uri, _ssh_file(params["ssh_args"], directory))
        self._found: Found | None = None
        self._facts: Mapping[str, Any] = {}

    @property
    def left(self) -> float:
        """Seconds that a change of the domain may take: what is left of the timeout, one answer at least."""
        return max(self._deadline - time.monotonic(), self.patience)

    def state(self) -> str:
        """Return whether the domain is on."""
        return "on" if self.call(lambda domain: domain.isActive()) else "off"

    def call(self, call: Callable[[Any], Any], seconds: float | None = None) -> Any:
        """Return what ``call(domain)`` returns; connects when that is not done yet.

        A connection without an answer is given back, so the next call makes a new one.

        Args:
            call: is given the domain, an object of libvirt.
            seconds: how long it may take; ``connect_timeout`` when None.

        Raises:
            Trouble: libvirt refuses it or does not answer.
        """
        seconds = self.patience if seconds is None else seconds
        domain = self._connected().domain
        try:
            late = f"{self.name}: no answer from {self.uri} within {seconds:.0f} s"
            return steps.bounded(lambda: call(domain), seconds, late)
        except again.Trouble:
            self.close()
            raise
        except libvirt.libvirtError as error:
            trouble = _trouble(self.name, error)
            if trouble.kind != again.BUSY:
                self.close()
            raise trouble from error

    def facts(self) -> dict[str, Any]:
        """Return which domain it is."""
        return dict(self._facts)

    def close(self) -> None:
        """Give the connection back; the next call makes a new one."""
        found, self._found = self._found, None
        if found is not None:
            try:
                steps.bounded(found.connection.close, GOODBYE, "")
            except (libvirt.libvirtError, errors.PowerError):
                pass  # it is broken already

    def _connected(self) -> Found:
        """Return the domain; connects and looks for it when that is not done yet."""
        if self._found is None:
            try:
                late = f"libvirt at {self.uri} did not answer within {self.patience:d} s"
                self._found = steps.bounded(self._find, self.patience, late, again.ABSENT)
            except libvirt.libvirtError as error:
                raise _trouble(f"libvirt at {self.uri} can't be asked", error, again.ABSENT) from error
            self._facts = self._found.facts
            self.name = f"domain {self._facts['domain']} of {self.uri}"
        return self._found

    def _find(self) -> Found:
        """Connect and look for the domain. It changes nothing here, as it may end when nobody waits for it any more."""
        connection = libvirt.open(self._address)
        domains = dict(told(connection.listAllDomains(), lambda domain: (domain.name(), domain)))
        name, how = self._named(domains) if self.wanted else self._with_mac(domains)
        facts = {"domain": name, "uuid": domains[name].UUIDString(), "matched_by": how}
        return Found(connection, domains[name], facts)

    def _named(self, domains: Mapping[str, Any]) -> tuple[str, str]:
        if self.wanted in domains:
            return self.wanted, "name"
        for name, domain in domains.items():
            if domain.UUIDString() == self.wanted.lower():
                return name, "uuid"
        raise self._none_of(domains, f"with the name or UUID '{self.wanted}'")

    def _with_mac(self, domains: Mapping[str, Any]) -> tuple[str, str]:
        described = dict(told(domains.items(), lambda item: (item[0], macs_of(item[1].XMLDesc()))))
        found, macs = steps.with_macs(self.macs, described)
        if len(found) > 1:
            raise errors.PowerError(
                f"libvirt at {self.uri} has {len(found):d} domains with the MAC address {' or '.join(macs)}: "
                f"{', '.join(found)}; say which by name"
            )
        if found:
            return found[0], "mac"
        raise self._none_of(domains, f"with an interface of the MAC address {' or '.join(self.macs)}")

    def _none_of(self, domains: Iterable[str], described: str) -> errors.PowerError:
        known = ", ".join(sorted(domains)) or "none"
        return errors.PowerError(f"libvirt at {self.uri} has no domain {described}; its domains: {known}")


def _trouble(what: str, error: Any, lost: str = again.LOST) -> again.Trouble:
    """Return the trouble of an error of libvirt; ``lost`` is the kind where an answer is missing."""
    kind = kind_of(error.get_error_code() or 0, error.get_error_domain() or 0, error.get_int1() or 0)
    return again.Trouble(f"{what}: {error.get_error_message() or error}", lost if kind == again.LOST else kind)


def _ssh_file(options: Iterable[str], directory: str) -> str:
    """Write the program that libvirt starts as its ssh, and return its path: a URI has no place for options."""
    descriptor, path = tempfile.mkstemp(prefix="ssh-", dir=directory)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f'#!/bin/sh\nexec ssh {shlex.join(options)} "$@"\n')
    os.chmod(path, 0o700)
    return path
