"""How far values walk through os_faults: calls, files, and returns to a file that the value had left before.

Run it with ``python benchmarks/walks.py``; it needs no hosts. Each walk follows one value: every call of os_faults in
which an argument holds the value counts. Few returns mean that a reader goes down a stair, and not up and down.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import os_faults
from os_faults.testing import FakeRunner

ROOT = Path(os_faults.__file__).parent
ADDRESS, USER, SECRET, SECONDS = "10.77.77.77", "walker", "walking-password", 4711
CONFIG = {
    "cloud_management": {"driver": "devstack", "address": ADDRESS, "username": USER, "password": SECRET},
}
DEPTH = 7


@dataclass
class Walk:
    """The way of one value.

    Attributes:
        value: what is followed.
        steps: file and function of each call that got it.
    """

    value: Any
    steps: list[tuple[str, str]] = field(default_factory=list)

    @property
    def files(self) -> list[str]:
        """The files in their order, each as often as the value came into it from another one."""
        names = [name for name, _ in self.steps]
        return [name for number, name in enumerate(names) if number == 0 or names[number - 1] != name]

    def figures(self) -> dict[str, int]:
        """Return what is counted."""
        files = self.files
        return {
            "calls": len(self.steps),
            "functions": len(set(self.steps)),
            "files": len(set(files)),
            "moves": max(0, len(files) - 1),
            "returns": len(files) - len(set(files)),
        }


def holds(found: Any, value: Any, depth: int = DEPTH) -> bool:
    """Return whether an argument is a value or has it somewhere inside; only data is looked into."""
    if isinstance(found, str | int) and str(found) == str(value):  # a number may be written as text
        return True
    if depth == 0:
        return False
    if isinstance(found, Mapping):
        inside: list[Any] = [*found.keys(), *found.values()]
    elif isinstance(found, list | tuple | set | frozenset):
        inside = list(found)
    elif is_dataclass(found) and not isinstance(found, type):
        inside = [getattr(found, each.name, None) for each in fields(found)]
    elif type(found).__name__ == "Secret":
        inside = list(vars(found).values()) if hasattr(found, "__dict__") else []
    else:
        return False
    return any(holds(each, value, depth - 1) for each in inside)


@contextmanager
def followed(value: Any) -> Iterator[Walk]:
    """Follow a value until the end of the block."""
    walk = Walk(value)

    def look(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(str(ROOT)) or code.co_name.startswith("<"):
            return
        count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
        given = [frame.f_locals.get(name) for name in code.co_varnames[:count] if name != "self"]
        if any(holds(each, walk.value) for each in given):
            walk.steps.append((str(Path(code.co_filename).relative_to(ROOT)), code.co_qualname))

    sys.setprofile(look)
    try:
        yield walk
    finally:
        sys.setprofile(None)


def walks() -> dict[str, Callable[[], Walk]]:
    """Return name → what walks."""

    def configuration() -> Walk:
        with followed(USER) as walk:
            os_faults.connect(CONFIG, runner=FakeRunner())
        return walk

    def nodes() -> Walk:
        cloud = os_faults.connect(CONFIG, runner=FakeRunner())
        with followed(USER) as walk:
            cloud.get_nodes()
        return walk

    def restart() -> Walk:
        cloud = os_faults.connect(CONFIG, runner=FakeRunner())
        service, chosen = cloud.get_service("keystone"), cloud.get_nodes()
        (node,) = chosen
        with followed(node.fqdn) as walk:
            service.restart(chosen)
        return walk

    def heal_after() -> Walk:
        cloud = os_faults.connect(CONFIG, runner=FakeRunner())
        service, chosen = cloud.get_service("keystone"), cloud.get_nodes()
        with followed(SECONDS) as walk:
            service.freeze(chosen, heal_after=SECONDS)
        return walk

    def password() -> Walk:
        with followed(SECRET) as walk:
            cloud = os_faults.connect(CONFIG, runner=FakeRunner())
            cloud.get_nodes()
        return walk

    return {
        "cloud_config: connect()": configuration,
        "nodes: get_nodes()": nodes,
        "nodes: service.restart(nodes)": restart,
        "heal_after: service.freeze(…)": heal_after,
        "password: connect(), get_nodes()": password,
    }


def main() -> None:
    """Print a line for each walk; with ``-v`` also its files."""
    for name, walked in walks().items():
        walk = walked()
        print(f"{name:34}", "  ".join(f"{key} {number:3}" for key, number in walk.figures().items()))
        if "-v" in sys.argv:
            print("    " + " > ".join(walk.files))


if __name__ == "__main__":
    main()
