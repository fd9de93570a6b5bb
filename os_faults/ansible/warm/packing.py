"""Packed modules: small files with the needed code of ours, and without Ansible's own library.

Ansible sends a Python module with fifty files of its library, 230 kB. The host unpacks and compiles them for every
task, which takes 0.25 s of its CPU. A packed module is one file of 30 to 45 kB, which Ansible sends unchanged but for
the arguments (the form that it calls "jsonargs"). It costs a tenth of that. The sources stay ordinary modules for all
other users: packed modules are made from them at a warm start, and only its runs use them.
"""

from __future__ import annotations

import ast
import base64
import re
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from os_faults.ansible.warm.program import PROGRAM

_UTILS = "ansible.module_utils."
#: The replacement of ``ansible.module_utils.basic`` on a host.
_STAND_IN = "os_faults.basic"
#: Variables that only ``ansible-doc`` reads.
_DOCUMENTATION = ("DOCUMENTATION", "EXAMPLES", "RETURN")
_BASIC = "ansible.module_utils.basic.AnsibleModule"
#: An argument that Ansible's own class keeps out of answers; the replacement has no such means.
_SECRET = re.compile(r"""["']no_log["']: (?!False\b)""")
#: Attributes in which a statement has others; `except` and `case` have theirs in ``body``, too.
_PARTS = ("body", "orelse", "handlers", "finalbody", "cases")


def pack_library(modules: Path, shared: Path) -> dict[str, str]:
    """Return the packed form of every module that can have one: file name → text.

    Args:
        modules: the directory of modules, ``osf_*.py``.
        shared: the directory of their shared code.

    Raises:
        OSError: a file can't be read.
    """
    utils = read_utils(shared)
    texts = {path.name: path.read_text(encoding="utf-8") for path in modules.glob("osf_*.py")}
    packed = {name: pack(name.removesuffix(".py"), text, utils) for name, text in texts.items()}
    return {name: text for name, text in packed.items() if text is not None}


def read_utils(shared: Path) -> dict[str, str]:
    """Return the shared code of modules, by name below ``ansible.module_utils`` (``os_faults.host.proc``).

    Args:
        shared: the directory of the shared code.

    Raises:
        OSError: a file can't be read.
    """
    paths = {path: path.relative_to(shared).with_suffix("").parts for path in shared.rglob("*.py")}
    return {".".join(parts): path.read_text("utf-8") for path, parts in paths.items() if parts[-1] != "__init__"}


def pack(name: str, source: str, utils: Mapping[str, str]) -> str | None:
    """Return a module as one file; None for one with a secret argument or an import such as libvirt.

    Args:
        name: name of the module.
        source: text of the module.
        utils: shared code of modules: name → text.

    Example:
        >>> pack("osf_x", "from ansible.module_utils.urls import fetch_url", {}) is None
        True
    """
    texts = {name: source, **{each: utils[each] for each in sorted(_needed(source, utils))}}
    imports = (imported for text in texts.values() for imported in _imports(text))
    if any(map(_SECRET.search, texts.values())) or not all(each == _BASIC or _ours(each, utils) for each in imports):
        return None
    texts["basic"] = utils[_STAND_IN]
    sources = "\1".join(f"{each}\0{bare(text)}" for each, text in texts.items())
    # Level 9 would save three bytes of a thousand, and take twice the time at every start.
    packed = base64.b64encode(zlib.compress(sources.encode(), 7)).decode()
    return PROGRAM.replace("@NAME@", name).replace("@SOURCES@", packed)


@cache  # most modules share the same sources
def bare(source: str) -> str:
    r"""Return a source without docstrings, documentation and annotations; the rest keeps its line numbers.

    Example:
        >>> bare("class Late(Exception):\n    '''Too late.'''\nDOCUMENTATION = '''\n...'''\nx = 1")
        'class Late(Exception):\n    pass\n\n\nx = 1'
        >>> bare("def twice(number: int, add: float = 0.5) -> float:\n    return number * 2 + add")
        'def twice(number, add = 0.5):\n    return number * 2 + add'
    """
    lines = source.split("\n")
    statements = _statements(source)
    for row, first, last in sorted(_annotations(statements, lines), reverse=True):
        lines[row] = lines[row][:first] + lines[row][last:]
    for holder in statements:
        body = getattr(holder, "body", [])
        for node in body:
            if _is_for_people(node):
                first, last = node.lineno - 1, node.end_lineno or node.lineno
                lines[first:last] = [""] * (last - first)
                if body == [node]:
                    lines[first] = " " * node.col_offset + "pass"
    return "\n".join(lines)


@cache  # `bare` and `_imports` look at the same sources
def _statements(source: str) -> tuple[ast.AST, ...]:
    """Return a module, its statements and theirs; not the expressions in them, which are nine nodes of ten."""
    found: list[ast.AST] = [ast.parse(source)]
    for node in found:
        for part in _PARTS:
            found += getattr(node, part, ())
    return tuple(found)


def _annotations(statements: Sequence[ast.AST], lines: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Return the places of annotations in functions: the line, the first column and the column behind.

    An annotation over several lines, or in a line with a character that is not ASCII, is left out and so stays.
    """
    for function in statements:
        if not isinstance(function, ast.FunctionDef):
            continue
        of = function.args
        arguments = [*of.posonlyargs, *of.args, *of.kwonlyargs, *(each for each in (of.vararg, of.kwarg) if each)]
        places = [(each.annotation, each.col_offset + len(each.arg)) for each in arguments if each.annotation]
        if function.returns:
            row = function.returns.lineno - 1
            places.append((function.returns, lines[row].rindex(" ->", 0, function.returns.col_offset)))
        for note, first in places:
            if note.lineno == note.end_lineno and lines[note.lineno - 1].isascii():
                yield note.lineno - 1, first, note.end_col_offset or first


def _is_for_people(node: ast.AST) -> bool:
    """Return whether a statement is a docstring, or documentation of a module."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    return isinstance(target, ast.Name) and target.id in _DOCUMENTATION


def _needed(source: str, utils: Mapping[str, str]) -> set[str]:
    """Return the names in ``utils`` that a module imports, directly or indirectly."""
    needed: set[str] = set()
    new = {source}
    while new:
        names = {name for text in new for each in _imports(text) if (name := _ours(each, utils))} - needed
        needed |= names
        new = {utils[name] for name in names}
    return needed


def _ours(imported: str, utils: Mapping[str, str]) -> str | None:
    """Return the name in ``utils`` of an imported module, or of the module of an imported name; None if not ours."""
    name = imported.removeprefix(_UTILS)
    return next((each for each in (name, name.rpartition(".")[0]) if each in utils), None)


@cache
def _imports(source: str) -> frozenset[str]:
    """Return the full names that a source imports and that are not Python's own, also inside of functions."""
    return frozenset(name for name in _imported(source) if name.partition(".")[0] not in sys.stdlib_module_names)


def _imported(source: str) -> Iterator[str]:
    for node in _statements(source):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{each.name}" for each in node.names)
