#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Power a virtual machine of libvirt off or on, shut it down or reset it."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_libvirt_power
short_description: Power a virtual machine of libvirt off or on, shut it down or reset it
description:
  - Runs where libvirt can be reached, which is the controller as a rule; the machine itself may be off.
  - C(poweron), C(poweroff) and C(shutdown) are states; a domain that is there already is left alone. C(reset) presses
    the reset button each time, and is refused for a domain that is off.
  - The module returns when the domain is seen to be in that state, and fails when it is not within O(timeout).
  - A domain that is powered off stays defined. A transient one would be gone for good, so that is refused.
version_added: "1.0.0"
options:
  uri:
    description: How libvirt is reached.
    type: str
    default: qemu:///system
  ssh_args:
    description: Options for the ssh that a URI such as C(qemu+ssh://root@kvm.local/system) starts.
    type: list
    elements: str
    default: []
  domain:
    description: Name or UUID of the domain; one of O(domain) and O(macs) is needed.
    type: str
  macs:
    description: MAC addresses of the machine; the first that belongs to an interface of a domain counts.
    type: list
    elements: str
  state:
    description: What to do with the machine.
    type: str
    required: true
    choices: [poweron, poweroff, shutdown, reset]
  timeout:
    description: Seconds after which a domain that is not in the state is a failure.
    type: int
    default: 300
  connect_timeout:
    description: Seconds after which a libvirt that does not answer is a failure.
    type: int
    default: 20
attributes:
  check_mode:
    description: Finds the domain, tells what would be done, and changes nothing.
    support: full
  diff_mode:
    description: Shows the power state before and after.
    support: full
requirements: [libvirt-python]
author: [The os_faults authors (@os-faults)]
"""

EXAMPLES = r"""
- name: Cut the power of the machine with this network card
  osf_libvirt_power:
    uri: qemu+ssh://root@kvm.local/system
    macs: ["52:54:00:12:34:56"]
    state: poweroff
  delegate_to: localhost

- name: Start it again
  osf_libvirt_power:
    uri: qemu+ssh://root@kvm.local/system
    domain: node-1
    state: poweron
  delegate_to: localhost
"""

RETURN = r"""
previous_state:
  description: Whether the machine was C(on) or C(off) before.
  returned: success
  type: str
  sample: "on"
power_state:
  description: Whether it is C(on) or C(off) now; in check mode, would be.
  returned: success
  type: str
  sample: "off"
waited:
  description: Seconds from the request until the state was seen.
  returned: success
  type: float
  sample: 0.4
domain:
  description: Name of the domain.
  returned: success
  type: str
  sample: node-1
uuid:
  description: UUID of the domain.
  returned: success
  type: str
  sample: 6695eb01-f6a4-8304-79aa-97f2502e193f
matched_by:
  description: What the domain was found by, C(name), C(uuid) or C(mac).
  returned: success
  type: str
  sample: mac
"""

import os
import shlex
import tempfile
import traceback
import xml.etree.ElementTree as ElementTree
from urllib.parse import parse_qs, quote, urlsplit

from ansible.module_utils import osf_power
from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    import libvirt
except ImportError:
    libvirt = None
    LIBVIRT_TRACEBACK = traceback.format_exc()

DEAF = {3: "paused", 7: "suspended"}
"""States (VIR_DOMAIN_PAUSED, VIR_DOMAIN_PMSUSPENDED) in which a domain is on, but does not hear the power button."""


def macs_of(xml):
    """Return the MAC addresses of the interfaces of a domain, in lower case.

    >>> sorted(macs_of("<domain><devices><interface><mac address='52:54:00:AA:00:01'/></interface></devices></domain>"))
    ['52:54:00:aa:00:01']
    """
    root = ElementTree.fromstring(xml)  # noqa: S314 - what libvirt itself has written
    return {plain(mac.get("address", "")) for mac in root.findall("./devices/interface/mac")}


def plain(mac):
    """Return a MAC address in the form that is compared.

    >>> plain("52-54-00-AA-00-01")
    '52:54:00:aa:00:01'
    """
    return mac.strip().lower().replace("-", ":")


def with_command(uri, command):
    """Return a URI that makes libvirt start ``command`` as its ssh; one that names its own keeps it.

    >>> with_command("qemu+ssh://root@kvm/system?no_tty=1", "/tmp/a b")
    'qemu+ssh://root@kvm/system?no_tty=1&command=/tmp/a%20b'
    >>> with_command("qemu+ssh://kvm/system?command=/bin/mine", "/tmp/ssh")
    'qemu+ssh://kvm/system?command=/bin/mine'
    """
    query = urlsplit(uri).query
    if "command" in parse_qs(query):
        return uri
    return "%s%scommand=%s" % (uri, "&" if query else "?", quote(command))


class Domain:
    """The domain of a machine, and the only place where it is looked at and acted on."""

    def __init__(self, params, directory):
        self.uri = params["uri"]
        self.wanted = params["domain"]
        self.macs = [plain(mac) for mac in params["macs"] or []]
        self.patience = params["connect_timeout"]
        self.timeout = params["timeout"]
        self.name = "libvirt at %s" % self.uri  # until the domain is found
        self._address = self.uri
        if urlsplit(self.uri).scheme.endswith("+ssh"):
            self._address = with_command(self.uri, _ssh_file(params["ssh_args"], directory))
        self._connection = None
        self._domain = None
        self._facts = {}

    def state(self):
        """Return whether the domain is on."""
        return "on" if self._call(lambda domain: domain.isActive(), self.patience) else "off"

    def act(self, action):
        """Do it; what comes of it is looked at later."""
        if action in ("poweroff", "shutdown") and not self._call(lambda domain: domain.isPersistent(), self.patience):
            raise osf_power.PowerError("%s is transient, so without power it would be gone for good" % self.name)
        if action == "shutdown":
            state = self._call(lambda domain: domain.state()[0], self.patience)
            if state in DEAF:
                raise osf_power.PowerError(
                    "%s is %s, so it can't be asked to shut down (poweroff cuts the power)" % (self.name, DEAF[state])
                )
        acts = {
            "poweron": lambda domain: domain.create(),
            "poweroff": lambda domain: domain.destroy(),
            "shutdown": lambda domain: domain.shutdown(),
            "reset": lambda domain: domain.reset(0),
        }
        self._call(acts[action], self.timeout)

    def facts(self):
        """Return which domain it is."""
        return self._facts

    def close(self):
        """Give the connection back; the next call makes a new one."""
        connection, self._connection, self._domain = self._connection, None, None
        if connection is not None:
            try:
                osf_power.bounded(connection.close, self.patience, "")
            except (libvirt.libvirtError, osf_power.PowerError):
                pass  # it is broken already

    def _call(self, call, seconds):
        domain = self._found()
        try:
            return osf_power.bounded(
                lambda: call(domain), seconds, "%s: no answer from %s within %d s" % (self.name, self.uri, seconds)
            )
        except libvirt.libvirtError as error:
            self.close()
            raise osf_power.PowerError("%s: %s" % (self.name, error.get_error_message() or error)) from error

    def _found(self):
        """Return the domain; connects and looks for it when that is not done yet."""
        if self._domain is None:
            try:
                self._domain = osf_power.bounded(
                    self._find, self.patience, "libvirt at %s did not answer within %d s" % (self.uri, self.patience)
                )
            except libvirt.libvirtError as error:
                self.close()
                raise osf_power.PowerError(
                    "libvirt at %s can't be asked: %s" % (self.uri, error.get_error_message() or error)
                ) from error
        return self._domain

    def _find(self):
        self._connection = libvirt.open(self._address)
        domains = {domain.name(): domain for domain in self._connection.listAllDomains()}
        name, how = self._named(domains) if self.wanted else self._with_mac(domains)
        self._facts = {"domain": name, "uuid": domains[name].UUIDString(), "matched_by": how}
        self.name = "domain %s of %s" % (name, self.uri)
        return domains[name]

    def _named(self, domains):
        if self.wanted in domains:
            return self.wanted, "name"
        for name, domain in domains.items():
            if domain.UUIDString() == self.wanted.lower():
                return name, "uuid"
        raise self._none_of(domains, "with the name or UUID '%s'" % self.wanted)

    def _with_mac(self, domains):
        macs = {name: macs_of(domain.XMLDesc()) for name, domain in domains.items()}
        for mac in self.macs:
            found = sorted(name for name in domains if mac in macs[name])
            if len(found) > 1:
                raise osf_power.PowerError(
                    "libvirt at %s has %d domains with the MAC address %s: %s; say which by name"
                    % (self.uri, len(found), mac, ", ".join(found))
                )
            if found:
                return found[0], "mac"
        raise self._none_of(domains, "with an interface of the MAC address %s" % " or ".join(self.macs))

    def _none_of(self, domains, described):
        known = ", ".join(sorted(domains)) or "none"
        return osf_power.PowerError("libvirt at %s has no domain %s; its domains: %s" % (self.uri, described, known))


def _ssh_file(options, directory):
    """Write the program that libvirt starts as its ssh, and return its path: a URI has no place for options."""
    descriptor, path = tempfile.mkstemp(prefix="ssh-", dir=directory)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write('#!/bin/sh\nexec ssh %s "$@"\n' % " ".join(shlex.quote(option) for option in options))
    os.chmod(path, 0o700)
    return path


def main():
    """Run the module."""
    module = AnsibleModule(
        argument_spec=dict(
            osf_power.ARGUMENTS,
            uri={"type": "str", "default": "qemu:///system"},
            ssh_args={"type": "list", "elements": "str", "default": []},
            domain={"type": "str"},
            macs={"type": "list", "elements": "str"},
        ),
        required_one_of=[("domain", "macs")],
        mutually_exclusive=[("domain", "macs")],
        supports_check_mode=True,
    )
    if libvirt is None:
        module.fail_json(msg=missing_required_lib("libvirt-python"), exception=LIBVIRT_TRACEBACK)
    libvirt.registerErrorHandler(lambda _context, _error: None, None)  # else errors are also printed
    osf_power.run(module, Domain(module.params, module.tmpdir))


if __name__ == "__main__":
    main()
