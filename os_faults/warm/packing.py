"""Modules that travel light: with what they need of ours, and without Ansible's own library.

Ansible sends a Python module with fifty files of its library, 230 kB, which the host unpacks and compiles anew for
every task: a quarter of a second of its CPU. Packed, a module is one file of 40 kB that Ansible sends as it is, with
the arguments put in (the form that it calls "jsonargs"), and costs a fifth of that. The sources stay what they are,
ordinary modules for everybody: the packed ones are made of them when a warm start begins, and only its runs use them.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping
from pathlib import Path

#: What stands for ``ansible.module_utils.basic`` on a host.
_STAND_IN = "osf_module"
#: What only ``ansible-doc`` reads.
_DOCUMENTATION = re.compile(r'^(?:DOCUMENTATION|EXAMPLES|RETURN) = r""".*?^"""$', re.DOTALL | re.MULTILINE)
_IMPORTS = re.compile(r"^\s*(?:from\s+ansible[\w.]*\s+import|import\s+ansible)(?:\s*\([^)]*\)|[^\n]*)", re.MULTILINE)
_OURS = re.compile(r"\bosf_\w+")
_BASIC = "from ansible.module_utils.basic import AnsibleModule"

# Python 2 and what is older than the modules must understand it far enough to say so. Ansible recognises the form by
# the word in the comment, and puts the arguments in twice: as JSON there, and as a literal of Python. It must not find
# an import of its own library, by which it recognises the usual form.
_PROGRAM = """#!/usr/bin/python
# <<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>
import json
import sys

if sys.version_info < (3, 8):
    why = "the Python of this host is %d.%d; set python_interpreter to one of version 3.8 or newer"
    print(json.dumps({"failed": True, "msg": why % sys.version_info[:2]}))
    sys.exit(1)

import base64
import importlib
import importlib.machinery
import traceback
import zlib

SOURCES = json.loads(zlib.decompress(base64.b64decode("@SOURCES@")))
PACKAGES = ("ansible", "ansible.module_utils")


class Unpacked:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in PACKAGES or name in SOURCES:
            return importlib.machinery.ModuleSpec(name, Unpacked, is_package=name in PACKAGES)

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        name = module.__name__
        if name in SOURCES:
            exec(compile(SOURCES[name], name, "exec"), module.__dict__)


sys.meta_path.insert(0, Unpacked)
try:
    basic = importlib.import_module(PACKAGES[1] + ".basic")
    basic.ARGUMENTS = json.loads("<<INCLUDE_ANSIBLE_MODULE_COMPLEX_ARGS>>")
    exec(compile(SOURCES["@NAME@"], "@NAME@", "exec"), {"__name__": "__main__"})
except Exception as error:
    where = traceback.extract_tb(sys.exc_info()[2])[-1]
    why = "%s: %s (%s, line %d)" % (type(error).__name__, error, where.filename, where.lineno)
    print(json.dumps({"failed": True, "msg": why, "exception": traceback.format_exc()}))
    sys.exit(1)
"""


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
    texts = {name: source, **{f"ansible.module_utils.{each}": utils[each] for each in needed}}
    if "no_log" in "".join(texts.values()) or not all(map(_is_light, texts.values())):
        return None
    texts["ansible.module_utils.basic"] = utils[_STAND_IN]
    bare = {each: _DOCUMENTATION.sub("", text) for each, text in texts.items()}
    sources = base64.b64encode(zlib.compress(json.dumps(bare).encode(), 9)).decode()
    return _PROGRAM.replace("@NAME@", name).replace("@SOURCES@", sources)


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
