"""The sources of the configuration; only this module searches for its files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from os_faults.config import state
from os_faults.errors import ConfigError, did_you_mean
from os_faults.resources import read_yaml
from os_faults.system import ownership

ENVIRONMENT_VARIABLE = "OS_FAULTS_CONFIG"
FILES = ("os-faults.json", "os-faults.yaml", "os-faults.yml")
SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Places:
    """The environment and the directory for the search of a configuration.

    Attributes:
        environ: environment variables.
        cwd: the current directory.
    """

    environ: Mapping[str, str]
    cwd: Path

    @property
    def home(self) -> Path:
        """The user's home directory."""
        return state.home(self.environ)

    @property
    def config_home(self) -> Path:
        """The directory of the user's configuration files, ``~/.config``."""
        return state.xdg_dir(self.environ, "XDG_CONFIG_HOME", ".config")

    def expand(self, path: str, base: Path | None = None) -> Path:
        """Return an absolute path: ``~`` is the home directory, a relative path starts at ``base``."""
        if path == "~" or path.startswith("~/"):
            return self.home / path[2:]
        return (base or self.cwd) / os.path.expanduser(path)

    @property
    def openstack(self) -> tuple[Path, ...]:
        """The directories of ``clouds.yaml``; the first wins."""
        return self.cwd, self.config_home / "openstack", Path("/etc/xdg/openstack"), Path("/etc/openstack")

    @property
    def candidates(self) -> tuple[Path, ...]:
        """The files of the search when no file is named; the first wins."""
        directories = (self.cwd, self.config_home / "openstack", self.config_home / "os-faults", Path("/etc/openstack"))
        return tuple(directory / name for directory in directories for name in FILES)


@dataclass(frozen=True)
class Source:
    """A configuration with its source.

    Attributes:
        data: its content, a copy that may be changed.
        name: its name in messages: a path, or ``cloud_config``.
        base: the base directory of its relative paths.
    """

    data: dict[str, Any]
    name: str
    base: Path


def find(
    places: Places,
    cloud_config: Mapping[str, Any] | None = None,
    config_filename: str | os.PathLike[str] | None = None,
    cloud: str | None = None,
) -> Source:
    """Return the configuration that wins; see `os_faults.config.load` for the order.

    Raises:
        ConfigError: there is no file (the message lists the candidates), it can't be read, or it was found in the
            current directory and another user may change it.
    """
    if cloud_config is not None:
        return Source(_mapping(deepcopy(cloud_config), "cloud_config"), "cloud_config", places.cwd)
    if config_filename is not None:
        return _from_file(places.expand(os.fspath(config_filename)))
    if cloud is not None:
        return _from_clouds_yaml(places, cloud)
    if named := places.environ.get(ENVIRONMENT_VARIABLE):
        path = places.expand(named)
        if not os.path.isfile(path):
            raise ConfigError(f"the file that {ENVIRONMENT_VARIABLE} names does not exist: {path}")
        return _from_file(path)
    if candidate := _candidate(places):
        _refuse_strangers(candidate, places, f"--config or {ENVIRONMENT_VARIABLE}")
        return _from_file(candidate)
    looked = "".join(f"\n  {path}" for path in places.candidates)
    raise ConfigError(
        f"no configuration found: 'os-faults init' writes one, --config or {ENVIRONMENT_VARIABLE} names one, "
        f"'os-faults demo' needs none; these paths were tried:{looked}"
    )


def is_there(places: Places) -> bool:
    """Return whether there is a configuration, right or wrong, that no argument names."""
    return bool(places.environ.get(ENVIRONMENT_VARIABLE) or _candidate(places))


def _candidate(places: Places) -> Path | None:
    return next(filter(os.path.isfile, places.candidates), None)


def _refuse_strangers(path: Path, places: Places, how: str) -> None:
    """Refuse a file that was found in the current directory, not named, if another user can change it.

    Such a user could choose the programs that run here. The search does not continue: the next file may be another
    cloud.

    Args:
        path: path of the file.
        places: the places, with the current directory.
        how: the option or variable that would name the file.
    """
    if path.parent != places.cwd:
        return
    try:
        why = ownership.flaw(path.parent) or ownership.flaw(path)
    except OSError as error:
        why = str(error.strerror)
    if why:
        raise ConfigError(f"{path} was found in the current directory and is not used, as {why}; name it with {how}")


def _from_file(path: Path) -> Source:
    return Source(_mapping(read_yaml(path), str(path)), str(path), path.parent)


def _from_clouds_yaml(places: Places, cloud: str) -> Source:
    """Return the ``os_faults`` block of one cloud, merged with ``secure.yaml``."""
    path = _first(places, "clouds", "OS_CLIENT_CONFIG_FILE")
    if path is None:
        looked = ", ".join(str(directory / "clouds.yaml") for directory in places.openstack)
        raise ConfigError(f"no clouds.yaml with the cloud {cloud!r} found; looked for: {looked}")
    clouds = _clouds(path)
    if cloud not in clouds:
        raise ConfigError(f"{path}: no cloud {cloud!r}: {did_you_mean(cloud, map(str, clouds))}")
    secure = _first(places, "secure", "OS_CLIENT_SECURE_FILE")
    overlay = _clouds(secure).get(cloud) if secure else None
    block = _overlaid(clouds[cloud] or {}, overlay or {}).get("os_faults")
    name = f"{path}: clouds.{cloud}.os_faults"
    if block is None:
        raise ConfigError(f"{path}: the cloud {cloud!r} has no os_faults block")
    return Source(_mapping(block, name), name, path.parent)


def clouds_with_block(places: Places) -> list[str]:
    """Return the clouds of ``clouds.yaml`` that have an ``os_faults`` block.

    Raises:
        ConfigError: the file can't be read.
    """
    path = _first(places, "clouds", "OS_CLIENT_CONFIG_FILE")
    clouds = _clouds(path) if path else {}
    return [str(name) for name, cloud in clouds.items() if isinstance(cloud, Mapping) and "os_faults" in cloud]


def _first(places: Places, stem: str, variable: str) -> Path | None:
    named = places.environ.get(variable)
    if named and os.path.isfile(path := places.expand(named)):
        return path
    found = next(filter(os.path.isfile, _os_client_files(places, stem)), None)
    if found is not None:
        _refuse_strangers(found, places, variable)
    return found


def _os_client_files(places: Places, stem: str) -> Iterator[Path]:
    for directory in places.openstack:
        for suffix in SUFFIXES:
            yield directory / f"{stem}{suffix}"


def _clouds(path: Path) -> dict[str, Any]:
    content = _mapping(read_yaml(path), str(path))
    return _mapping(content.get("clouds") or {}, f"{path}: clouds")


def _overlaid(below: Any, above: Any) -> Any:
    """Return two trees merged key by key; ``above`` wins."""
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return above
    return {**below, **{key: _overlaid(below[key], value) if key in below else value for key, value in above.items()}}


def _mapping(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name}: must be a mapping with the key cloud_management")
    return dict(value)
