"""What libvirt itself makes of a connection URI: one that starts a program of this machine is refused before."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.libvirt_domains import NEEDS_LIBVIRT

from os_faults import ConfigError
from os_faults.drivers.power.libvirt import LibvirtPower

pytestmark = [pytest.mark.functional, NEEDS_LIBVIRT]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that leaves a file beside it when it runs."""
    path = tmp_path / "program"
    path.write_text('#!/bin/sh\n: >"$0.ran"\n')
    path.chmod(0o700)
    return path


def opened(uri: str) -> None:
    """Let libvirt connect, which fails: nobody is there."""
    import libvirt

    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    with pytest.raises(libvirt.libvirtError):
        libvirt.open(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "qemu+ssh://h/system?command={}",
        "qemu+ssh://h/system?no_tty=1&command={}",
        "qemu+ssh://h/system?no_tty=1;command={}",
        "qemu+ssh://h/system?%63ommand={}",
        "qemu+ssh://h/system?COMMAND={}",
        "qemu+ssh://h/system?command={}#@kvm/system",
        "qemu+ext://h/system?command={}",
        "test+ext:///default?command={}",
    ],
)
def test_a_uri_that_starts_a_program_is_refused(uri: str, program: Path) -> None:
    """That libvirt does start it shows that the refusal is not for nothing."""
    with pytest.raises(ConfigError, match=r"^power\.connection_uri"):
        LibvirtPower({"connection_uri": uri.format(program)}, "power")
    opened(uri.format(program))
    assert program.with_name("program.ran").exists()


@pytest.mark.parametrize(
    "uri",
    [
        "qemu:///system",
        "test:///default",
        "qemu+ssh://root@kvm.local:2222/system?keyfile=/root/.ssh/id&no_tty=1&no_verify=1",
        "qemu+tls://kvm.local/system?pkipath=/etc/pki",
        "qemu+unix:///system?socket=/run/libvirt/other",
        "esx://root@esx.local/?no_verify=1&auto_answer=1",
    ],
)
def test_the_others_are_taken(uri: str) -> None:
    assert LibvirtPower({"connection_uri": uri}).connection_uri == uri
