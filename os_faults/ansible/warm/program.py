"""The text of the program that a packed module is on a host, see `os_faults.ansible.warm.packing`."""

from __future__ import annotations

# Python 2 and what is older than the modules must understand it far enough to say so. Ansible recognises the form by
# the word in the comment, and puts the arguments in twice: as JSON there, and as a literal of Python. It must not find
# an import of its own library, by which it recognises the usual form.
#
# A module comes with up to thirty others of ours, and one call needs a few of them. So whatever is imported as a whole
# is loaded when something of it is first used: of ours it is a `Later` until then, of Python's a `PythonsOwn` (in a
# function an import loads at once). A folder of ours is an empty module that has these as attributes. Of the names for
# types a running program needs none but `NamedTuple`, which `Named` makes of `namedtuple`; `Type` stands for all
# others, and `typing` itself is not loaded. Python would take a tenth of its time for
# tidying up at the end: so `_exit`.
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


def bring(name, space=None, local=None, names=(), level=0):
    if name.startswith(PACKAGE):
        return OURS[name[len(PACKAGE) :]]
    if name in ("typing", "__future__"):
        return TYPES
    if local is space and not names and "." not in name and name not in sys.modules:
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
