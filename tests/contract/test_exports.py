"""The public names: what os_faults exports, and the errors as their docstring draws them."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys

import pytest

import os_faults
from os_faults import errors

LINE = re.compile(r"^(?P<lead>[ │├└─]*)(?P<name>[A-Za-z]+)(?: {2,}(?P<text>.*))?$")


def drawn_tree() -> dict[str, tuple[str | None, int | None]]:
    """Return the tree in the docstring of os_faults.errors: class → (parent, exit code)."""
    assert errors.__doc__ is not None
    body = inspect.cleandoc(errors.__doc__).split("::", 1)[1]
    drawn: dict[str, tuple[str | None, int | None]] = {}
    open_branches: list[tuple[int, str]] = []
    for line in body.splitlines():
        found = LINE.match(line)
        if found is None or not line.startswith("    "):
            continue
        depth, name, text = len(found["lead"]), found["name"], found["text"] or ""
        while open_branches and open_branches[-1][0] >= depth:
            open_branches.pop()
        code = re.search(r"exit (\d+)$", text)
        drawn[name] = (open_branches[-1][1] if open_branches else None, int(code[1]) if code else None)
        open_branches.append((depth, name))
    return drawn


def test_all_is_sorted_and_whole() -> None:
    exported = list(os_faults.__all__)
    assert exported == sorted(exported)
    assert sorted(name for name in dir(os_faults) if not name.startswith("_")) == exported
    for name in exported:
        value = getattr(os_faults, name)
        assert value.__name__ == name
        assert value.__module__.startswith("os_faults."), f"{name} is not ours"


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'conect'"):
        getattr(os_faults, "conect")  # noqa: B009 - mypy would refuse the plain form


def test_star_import_gives_every_name() -> None:
    names: dict[str, object] = {}
    exec("from os_faults import *", names)
    assert set(os_faults.__all__) <= set(names)


def test_every_error_is_exported_and_drawn() -> None:
    classes = {
        name: value
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.OSFException) and not name.startswith("_")
    }
    assert set(drawn_tree()) == set(classes)
    assert set(classes) <= set(os_faults.__all__)


def test_the_drawing_shows_parents_and_exit_codes() -> None:
    for name, (parent, code) in drawn_tree().items():
        cls = getattr(errors, name)
        above = [base.__name__ for base in cls.__mro__[1:] if issubclass(base, errors.OSFException)]
        visible = [base for base in above if not base.startswith("_")]
        assert (visible[0] if visible else None) == parent, name
        if code is not None:
            assert cls.exit_code == code, name


def test_import_is_quiet_and_starts_no_logging() -> None:
    code = "import logging, os_faults; print(logging.root.handlers, end='')"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]"
    assert done.stderr == ""


@pytest.mark.case("u23")
def test_the_package_says_which_of_its_modules_are_private() -> None:
    told = " ".join(str(os_faults.__doc__).split())
    assert "Every other module is private" in told
    public = re.findall(r"`(os_faults\.[\w.]+)`", told.split("Every other module")[0])
    assert public
    for name in public:
        assert importlib.import_module(name)
    assert not [name for name in dir(os_faults) if inspect.ismodule(getattr(os_faults, name))]
