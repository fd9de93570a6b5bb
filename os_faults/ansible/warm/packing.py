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
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from os_faults.ansible.warm.program import PROGRAM

_UTILS = "ansible.module_utils."
#: What stands for ``ansible.module_utils.basic`` on a host.
_STAND_IN = "os_faults.basic"
#: What only ``ansible-doc`` reads.
_DOCUMENTATION = ("DOCUMENTATION", "EXAMPLES", "RETURN")
_BASIC = "ansible.module_utils.basic.AnsibleModule"


def pack_library(modules: Path, shared: Path, target: Path) -> None:
    """Write the packed form of every module that can have one.

    Args:
        modules: the directory of modules, ``osf_*.py``.
        shared: the directory of what they share.
        target: the directory to write to; it exists.

    Raises:
        OSError: a file can't be read or written.
    """
    utils = read_utils(shared)
    for path in modules.glob("osf_*.py"):
        packed = pack(path.stem, path.read_text(encoding="utf-8"), utils)
        if packed is not None:
            (target / path.name).write_text(packed, encoding="utf-8")


def read_utils(shared: Path) -> dict[str, str]:
    """Return what modules share, by its name below ``ansible.module_utils`` (``os_faults.host.proc``).

    Args:
        shared: the directory that it is in.

    Raises:
        OSError: a file can't be read.
    """
    paths = {path: path.relative_to(shared).with_suffix("").parts for path in shared.rglob("*.py")}
    return {".".join(parts): path.read_text("utf-8") for path, parts in paths.items() if parts[-1] != "__init__"}


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
    texts = {name: source, **{each: utils[each] for each in sorted(_needed(source, utils))}}
    imports = (imported for text in texts.values() for imported in _imports(text))
    if "no_log" in "".join(texts.values()) or not all(each == _BASIC or _ours(each, utils) for each in imports):
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
        >>> bare("def twice(number: int, add: float = 0.5) -> float:\n    return number * 2 + add")
        'def twice(number, add = 0.5):\n    return number * 2 + add'
    """
    lines = source.split("\n")
    tree = ast.parse(source)
    for row, first, last in sorted(_annotations(tree, lines), reverse=True):
        lines[row] = lines[row][:first] + lines[row][last:]
    for holder in ast.walk(tree):
        body = getattr(holder, "body", None)
        for node in body if isinstance(body, list) else []:
            if _is_for_people(node):
                first, last = node.lineno - 1, node.end_lineno or node.lineno
                lines[first:last] = [""] * (last - first)
                if body == [node]:
                    lines[first] = " " * node.col_offset + "pass"
    return "\n".join(lines)


def _annotations(tree: ast.Module, lines: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Return where functions have annotations: the line, the first column and the one behind; nobody reads them there.

    One that goes over several lines, or stands behind a character that is no ASCII, stays.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation:
            note, first = node.annotation, node.col_offset + len(node.arg)
        elif isinstance(node, ast.FunctionDef) and node.returns:
            note, first = node.returns, lines[node.returns.lineno - 1].rindex(" ->", 0, node.returns.col_offset)
        else:
            continue
        if note.lineno == note.end_lineno and lines[note.lineno - 1].isascii():
            yield note.lineno - 1, first, note.end_col_offset or first


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
        names = {name for text in new for each in _imports(text) if (name := _ours(each, utils))} - needed
        needed |= names
        new = {utils[name] for name in names}
    return needed


def _ours(imported: str, utils: Mapping[str, str]) -> str | None:
    """Return which of ``utils`` is imported, or has what is imported; None when it is not ours."""
    name = imported.removeprefix(_UTILS)
    return next((each for each in (name, name.rpartition(".")[0]) if each in utils), None)


@cache
def _imports(source: str) -> frozenset[str]:
    """Return the full names of what a source imports from Ansible, also inside of functions."""
    return frozenset(name for name in _imported(source) if name.partition(".")[0] == "ansible")


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{each.name}" for each in node.names)
