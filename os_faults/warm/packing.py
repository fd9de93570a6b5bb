"""Modules that travel light: with what they need of ours, and without Ansible's own library.

Ansible sends a Python module with fifty files of its library, 230 kB, which the host unpacks and compiles anew for
every task: a quarter of a second of its CPU. Packed, a module is one file of 30 to 45 kB that Ansible sends as it is,
with the arguments put in (the form that it calls "jsonargs"), and costs a tenth of that. The sources stay what they
are, ordinary modules for everybody: the packed ones are made of them when a warm start begins, and only its runs use
them.
"""

from __future__ import annotations

import ast
import base64
import re
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from os_faults.warm.program import PROGRAM

#: What stands for ``ansible.module_utils.basic`` on a host.
_STAND_IN = "osf_module"
#: What only ``ansible-doc`` reads.
_DOCUMENTATION = ("DOCUMENTATION", "EXAMPLES", "RETURN")
_IMPORTS = re.compile(r"^\s*(?:from\s+ansible[\w.]*\s+import|import\s+ansible)(?:\s*\([^)]*\)|[^\n]*)", re.MULTILINE)
_OURS = re.compile(r"\bosf_\w+")
_BASIC = "from ansible.module_utils.basic import AnsibleModule"


def pack_library(modules: Path, shared: Path, target: Path) -> None:
    """Write the packed form of every module that can have one.

    Args:
        modules: the directory of modules, ``osf_*.py``.
        shared: the directory of what they share.
        target: the directory to write to; it exists.

    Raises:
        OSError: a file can't be read or written.
    """
    utils = {path.stem: path.read_text(encoding="utf-8") for path in shared.glob("osf_*.py")}
    for path in modules.glob("osf_*.py"):
        packed = pack(path.stem, path.read_text(encoding="utf-8"), utils)
        if packed is not None:
            (target / path.name).write_text(packed, encoding="utf-8")


def pack(name: str, source: str, utils: Mapping[str, str]) -> str | None:
    """Return a module as one file, None for a module that needs more of Ansible than `AnsibleModule`.

    Args:
        name: what the module is called.
        source: its text.
        utils: what modules share: name → text.

    Example:
        >>> pack("osf_x", "from ansible.module_utils.urls import fetch_url", {}) is None
        True
    """
    needed = _needed(source, utils)
    texts = {name: source, **{each: utils[each] for each in sorted(needed)}}
    if "no_log" in "".join(texts.values()) or not all(map(_is_light, texts.values())):
        return None
    texts["basic"] = utils[_STAND_IN]
    sources = "\1".join(f"{each}\0{bare(text)}" for each, text in texts.items())
    packed = base64.b64encode(zlib.compress(sources.encode(), 9)).decode()
    return PROGRAM.replace("@NAME@", name).replace("@SOURCES@", packed)


@cache  # most modules share the same sources
def bare(source: str) -> str:
    r"""Return a source without what only people read; what is left stays on the lines where it was.

    Example:
        >>> bare("class Late(Exception):\n    '''Too late.'''\nDOCUMENTATION = '''\n...'''\nx = 1")
        'class Late(Exception):\n    pass\n\n\nx = 1'
    """
    lines = source.split("\n")
    for holder in ast.walk(ast.parse(source)):
        body = getattr(holder, "body", None)
        for node in body if isinstance(body, list) else []:
            if _is_for_people(node):
                first, last = node.lineno - 1, node.end_lineno or node.lineno
                lines[first:last] = [""] * (last - first)
                if body == [node]:
                    lines[first] = " " * node.col_offset + "pass"
    return "\n".join(lines)


def _is_for_people(node: ast.AST) -> bool:
    """Whether a statement is a docstring, or documentation of a module."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    return isinstance(target, ast.Name) and target.id in _DOCUMENTATION


def _needed(source: str, utils: Mapping[str, str]) -> set[str]:
    """Return the names of what a module uses of ``utils``, at first or second hand."""
    needed: set[str] = set()
    new = {source}
    while new:
        names = {name for text in new for line in _IMPORTS.findall(text) for name in _OURS.findall(line)} - needed
        needed |= names
        new = {utils[name] for name in names}
    return needed


def _is_light(source: str) -> bool:
    """Whether a source imports nothing of Ansible but `AnsibleModule`; our own names aside."""
    lines = (line.strip() for line in _IMPORTS.findall(source))
    return all(line == _BASIC or _OURS.search(line) for line in lines)
