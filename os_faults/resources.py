"""Paths of the bundled files: playbooks, modules and catalogues.

In a wheel they are inside the package (``os_faults/playbooks``). In a checkout and in an editable installation they
are beside it (``playbooks``). The layout below is the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from importlib import resources as bundles
from pathlib import Path
from typing import Any

import yaml

from os_faults.errors import ArgumentError, ConfigError, did_you_mean
from os_faults.system import files

_SAFE_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _OurProblem(yaml.MarkedYAMLError):
    """A problem whose words are ours, and that quote no value of the file."""


_VAULT = (
    "is a tag of Ansible, which does not read this file: write {env: NAME} or {file: PATH} in place of the value, "
    "and let 'ansible-vault view' fill the variable or the file"
)
_ANSIBLES = {"!vault": f"!vault {_VAULT}", "!vault-encrypted": f"!vault-encrypted {_VAULT}"}
"""Tag of Ansible → what to write instead."""


class _Loader(_SAFE_LOADER):  # type: ignore[misc]  # not every PyYAML has the fast loader
    """YAML without two traps: duplicate keys, and base-60 numbers (a MAC address can look like one)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise _OurProblem(problem=f"the key {key.value!r} stands here again", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def refuse_tag(self, node: yaml.Node) -> Any:
        why = _ANSIBLES.get(node.tag, "a tag is not understood here: put a value that begins with '!' in quotes")
        raise _OurProblem(problem=why, problem_mark=node.start_mark)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> Any:
        return node.value if ":" in node.value else super().construct_yaml_int(node)


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
_Loader.add_constructor(None, _Loader.refuse_tag)


#: Errors of PyYAML's constructors for a value that does not fit its type, such as the date 2024-13-45.
_BAD_VALUES = (ValueError, TypeError, LookupError, AttributeError, RecursionError)

_registered: dict[Path, None] = {}


@cache
def playbooks_dir() -> Path:
    """Return the directory of the bundled playbooks and their contracts.

    Example:
        >>> playbooks_dir().name
        'playbooks'
    """
    package = Path(str(bundles.files("os_faults")))
    bundled = package / "playbooks"
    return bundled if bundled.is_dir() else package.parent / "playbooks"


def modules_dir() -> Path:
    """Return the directory of the bundled Ansible modules (``osf_*.py``)."""
    return playbooks_dir() / "library"


def register_ansible_modules(paths: Iterable[str | os.PathLike[str]]) -> None:
    """Let tasks use your Ansible modules, from directories and their subdirectories.

    This applies to every cloud of this process, also to clouds that are already connected.

    Args:
        paths: the directories.

    Raises:
        ArgumentError: a directory does not exist; then none is registered.

    Example:
        >>> register_ansible_modules([])
    """
    roots = [files.absolute(path) for path in paths]
    if missing := [root for root in roots if not root.is_dir()]:
        raise ArgumentError(f"can't register modules: there is no directory {missing[0]}")
    _registered.update(dict.fromkeys(Path(found) for root in roots for found, _, _ in os.walk(root)))


def module_paths() -> tuple[Path, ...]:
    """Return the search path of modules: our directory, then the registered ones."""
    return (modules_dir(), *_registered)


def module_utils_dir() -> Path:
    """Return the directory of the shared code of the bundled modules."""
    return playbooks_dir() / "module_utils"


def playbook(name: str) -> Path:
    """Return the path of the bundled playbook with the file name ``name``.

    Example:
        >>> playbook("service_state.yml").parent == playbooks_dir()
        True

    Raises:
        ConfigError: there is no such playbook; the message has the nearest names.
    """
    path = playbooks_dir() / name
    if not path.is_file():
        known = (found.name for found in playbooks_dir().glob("*.yml") if not found.name.endswith(".meta.yml"))
        raise ConfigError(f"no playbook {name!r} is bundled: {did_you_mean(name, known)}")
    return path


def catalogue(name: str | None) -> dict[str, dict[str, Any]]:
    """Return a cloud's catalogue: service name → definition, for finding the service on a host.

    Args:
        name: the catalogue's name (``devstack``); None for a cloud without a catalogue.

    Example:
        >>> catalogue(None)
        {}

    Raises:
        ConfigError: there is no such catalogue.
    """
    if name is None:
        return {}
    directory = playbooks_dir() / "catalogue"
    path = directory / f"{name}.yml"
    if not path.is_file():
        known = (found.stem for found in directory.glob("*.yml"))
        raise ConfigError(f"no catalogue {name!r}: {did_you_mean(name, known)}")
    return dict(read_yaml(path)["os_faults_catalogue"])


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML or JSON file.

    Raises:
        ConfigError: the file can't be read or is not YAML. The message has file and line, and quotes nothing from the
            file, which may have passwords.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"can't read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"can't read {path}: it is not UTF-8 text") from None
    except ValueError:  # a zero byte in the path
        raise ConfigError(f"can't read {str(path)!r}: no file has such a name") from None
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        why = str(error.problem) if isinstance(error, _OurProblem) else "not valid YAML"
        raise ConfigError(f"{path}{line}: {why}") from None
    except _BAD_VALUES:
        raise ConfigError(f"{path}: not valid YAML: a value does not fit its type, or nests too deeply") from None
