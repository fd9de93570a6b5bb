"""Who may import whom on the host side, and in the plugins that are beside the playbooks.

import-linter knows packages that are installed; what Ansible sends to hosts is none, so its import lines are read here.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES, SHARED = ROOT / "ansible_modules", ROOT / "ansible_modules" / "module_utils" / "os_faults"
PLUGINS = ROOT / "playbooks" / "action_plugins"

#: Part → what it may import beside itself and Python's library. ``basic`` is `AnsibleModule`, or what stands for it.
MAY_IMPORT = {
    "basic": set[str](),
    "errors": set[str](),
    "host": {"basic", "errors"},
    "service": {"basic", "errors", "host"},
    "hold": {"basic", "errors", "host"},
    "power": {"basic", "errors", "libvirt", "sushy"},
    "module": {"basic", "host"},
    "service_module": {"errors", "module", "host", "hold"},
    "power_module": {"errors", "module", "power"},
    "modules": {
        *("basic", "errors", "module", "service_module", "power_module", "host", "service", "hold", "power"),
        "pyghmi",
    },
    "plugins": {"ansible.errors", "ansible.plugins.action", "ansible.utils"},
}


def parts() -> Iterator[tuple[str, Path]]:
    """Return every file with the part that it belongs to."""
    for path in sorted(SHARED.rglob("*.py")):
        name = path.relative_to(SHARED).with_suffix("").parts[0]
        if name != "__init__":
            yield name, path
    yield from (("modules", path) for path in sorted(MODULES.glob("*.py")))
    yield from (("plugins", path) for path in sorted(PLUGINS.glob("*.py")))


def imports_of(path: Path) -> set[str]:
    """Return the full names of the modules that a file imports, also inside of functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports by a relative name"
            found |= {f"{node.module}.{each.name}" for each in node.names}
    return found


def part_of(imported: str) -> str:
    """Return the part that something imported belongs to; of what is not ours, the shortest name that tells it."""
    words = imported.split(".")
    if imported.startswith("ansible.module_utils.os_faults."):
        return words[3]
    if imported.startswith("ansible.module_utils.basic."):
        return "basic"
    return ".".join(words[: 3 if words[1:2] == ["plugins"] else 2]) if words[0] == "ansible" else words[0]


@pytest.mark.parametrize("path", [path for _, path in parts()], ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_what_its_part_may(path: Path) -> None:
    (part,) = (part for part, each in parts() if each == path)
    found = {part_of(imported) for imported in imports_of(path)} - set(sys.stdlib_module_names)
    assert found <= MAY_IMPORT[part] | {part}


def test_every_part_of_the_rule_is_there() -> None:
    assert {part for part, _ in parts()} == set(MAY_IMPORT)


@pytest.mark.parametrize(
    ("imported", "part"),
    [
        ("ansible.module_utils.os_faults.hold.store", "hold"),
        ("ansible.module_utils.os_faults.module.Module", "module"),
        ("ansible.module_utils.basic.AnsibleModule", "basic"),
        ("ansible.plugins.action.normal.ActionModule", "ansible.plugins.action"),
        ("ansible.errors.AnsibleError", "ansible.errors"),
        ("xml.etree.ElementTree", "xml"),
    ],
)
def test_the_part_of_an_import_is_told_from_its_name(imported: str, part: str) -> None:
    assert part_of(imported) == part
