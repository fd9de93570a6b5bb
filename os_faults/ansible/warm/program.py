"""The text of a packed module, the program on a host, see `os_faults.ansible.warm.packing`."""

from __future__ import annotations

# Python 2 and other versions that are too old must be able to parse the first lines, which report that. Ansible
# recognises the form by the word in the comment, and inserts the arguments twice: there as JSON, and as a literal of
# Python. It must not find an import of its own library, by which it recognises the usual form.
#
# A module comes with up to thirty others of ours, and one call needs only a few of them. So a module that is imported
# as a whole is loaded at first use: before, a module of ours is a `Later`, a module of Python a `PythonsOwn` (an import
# in a function loads at once). Python's own code in C imports with an empty list of names, an import statement with
# None: only the latter may get a `PythonsOwn`, as the former looks into `sys.modules` next. A folder of ours is an
# empty module with these as attributes. A running program needs only one name of `typing`, `NamedTuple`, which `Named`
# builds on `namedtuple`; `Type` replaces all others, and `typing` itself is not loaded. The clean-up of Python at the
# end would take a tenth of the time, hence `_exit`.
PROGRAM = """#!/usr/bin/python
# <<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>
import json
import sys

if sys.version_info < (3, 8):
    why = "the Python of this host is %d.%d; set python_interpreter to one of version 3.8 or newer"
    print(json.dumps({"failed": True, "msg": why % sys.version_info[:2]}))
    sys.exit(1)

import _thread
import binascii
import builtins
import collections
import zlib

PACKAGE = "ansible.module_utils."
SOURCES = dict(part.split("\\0") for part in zlib.decompress(binascii.a2b_base64("@SOURCES@")).decode().split("\\1"))
LOCK = _thread.RLock()


class Later(type(sys)):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        with LOCK:
            source = SOURCES.pop(self.__name__, None)
            if source is not None:
                run(self.__name__, source, self.__dict__)
        if name not in self.__dict__:
            raise AttributeError("module %s has no %s" % (self.__name__, name))
        return self.__dict__[name]


class PythonsOwn(type(sys)):
    def __getattr__(self, name):
        value = self.__dict__[name] = getattr(__import__(self.__name__), name)
        return value


class Named(type):
    def __new__(kind, name, bases, body):
        fields = list(body.pop("__annotations__", ()))
        defaults = [body.pop(field) for field in fields if field in body]
        made = collections.namedtuple(name, fields, defaults=defaults, module=body.pop("__module__"))
        for key, value in body.items():
            if not key.startswith("__"):
                setattr(made, key, value)
        return made


class Type:
    NamedTuple = type.__new__(Named, "NamedTuple", (), {})

    def __getattr__(self, name):
        return self

    def __getitem__(self, of):
        return self


def bring(name, space=None, local=None, names=None, level=0):
    if name.startswith(PACKAGE):
        return OURS[name[len(PACKAGE) :]]
    if name in ("typing", "__future__"):
        return TYPES
    if local is space and names is None and "." not in name and name not in sys.modules:
        return PythonsOwn(name)
    return __import__(name, space, local, names, level)


def run(name, source, space):
    space["__builtins__"] = BUILTINS
    exec(compile(source, name, "exec"), space)


BUILTINS = dict(vars(builtins), __import__=bring)
TYPES = Type()
OURS = {name: Later(name) for name in SOURCES}
for name in SOURCES:
    folder, _, last = name.rpartition(".")
    setattr(OURS.setdefault(folder, type(sys)(folder)), last, OURS[name])
try:
    OURS["basic"].ARGUMENTS.update(json.loads("<<INCLUDE_ANSIBLE_MODULE_COMPLEX_ARGS>>"))
    run("@NAME@", SOURCES.pop("@NAME@"), {"__name__": "__main__"})
except SystemExit as end:
    import os

    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(end.code or 0)
except Exception as error:
    import traceback

    where = traceback.extract_tb(sys.exc_info()[2])[-1]
    why = "%s: %s (%s, line %d)" % (type(error).__name__, error, where.filename, where.lineno)
    print(json.dumps({"failed": True, "msg": why, "exception": traceback.format_exc()}))
    sys.exit(1)
"""
