"""Domains of libvirt's own test driver, which reads them from a file and keeps them in the process that asks.

So each run of a module starts from the same domains.
"""

from __future__ import annotations

from pathlib import Path

from support.programs import needs

NEEDS_LIBVIRT = needs(module="libvirt", package="os-faults[libvirt]")
DOMAIN = """\
<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <description>{description}</description>
  <memory>1024</memory>
  <os><type>hvm</type></os>
  <devices><interface type='network'><mac address='{mac}'/><source network='default'/></interface></devices>
  <test:runstate>{state}</test:runstate>
  {more}
</domain>
"""
RUNNING, PAUSED, OFF = 1, 3, 5
UUID = "6695eb01-f6a4-8304-79aa-97f2502e1931"


def domain(number: int, name: str, mac: str, state: int = RUNNING, description: str = "", more: str = "") -> str:
    uuid = UUID[:-1] + str(number)
    return DOMAIN.format(name=name, uuid=uuid, mac=mac, state=state, description=description, more=more)


def hypervisor(folder: Path, *domains: str) -> str:
    """Return the URI of a hypervisor that has these domains."""
    path = folder / "domains.xml"
    path.write_text(f"<node>{''.join(domains)}</node>")
    return f"test://{path}"
