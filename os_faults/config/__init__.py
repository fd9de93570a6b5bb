"""The configuration: found, checked against its schema, and converted to one internal form.

It has three forms: the flat one, the nested one (``driver`` and ``args``), and an ``os_faults`` block inside a cloud of
``clouds.yaml``. Nothing here touches the network.

=============  =====================================================
`sources`      finds the configuration: files, environment
`schema`       checks it against `schema.yml`, with messages for people
`secrets`      passwords by reference, and their masking
`forms`        the three forms → `Config`
`auth`         login keys → `os_faults.model.Auth`
`types`        the frozen result
=============  =====================================================
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from os_faults.config import forms, sources
from os_faults.config.auth import auth_of
from os_faults.config.schema import LOGIN, check
from os_faults.config.secrets import Secret
from os_faults.config.types import Config, DriverConfig, ServiceConfig, SshConfig, Worker
from os_faults.errors import ConfigError

__all__ = [
    "LOGIN",
    "Config",
    "DriverConfig",
    "Secret",
    "ServiceConfig",
    "SshConfig",
    "Worker",
    "auth_of",
    "check",
    "is_there",
    "load",
    "portable",
]


def load(
    cloud_config: Mapping[str, Any] | None = None,
    config_filename: str | os.PathLike[str] | None = None,
    cloud: str | None = None,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Config:
    """Find, check and return the configuration; no host is contacted.

    The first given argument wins, in the order of the arguments; then the file in ``OS_FAULTS_CONFIG``; then
    ``os-faults.{json,yaml,yml}`` in the current directory, ``~/.config/openstack``, ``~/.config/os-faults`` and
    ``/etc/openstack``. A file in the current directory is refused if another user can change it.

    Args:
        cloud_config: the configuration itself; it is not changed.
        config_filename: path of a YAML or JSON file.
        cloud: name of a cloud in ``clouds.yaml`` that has an ``os_faults`` block.
        environ: the environment; the process's own when None.
        cwd: the current directory; the process's own, at the time of the call, when None.

    Example:
        >>> load({"cloud_management": {"driver": "devstack", "address": "10.0.0.2"}}).cloud.driver
        'devstack'

    Raises:
        ConfigError: there is no configuration, or it is wrong. The message has one sentence for each problem, with the
            path of the key, and no passwords.
    """
    places = _places(environ, cwd)
    with _finite():
        return forms.parse(sources.find(places, cloud_config, config_filename, cloud), places)


def is_there(environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> bool:
    """Return whether `load` finds a configuration, right or wrong, when no argument names one."""
    return sources.is_there(_places(environ, cwd))


def portable(
    cloud_config: Mapping[str, Any] | None = None,
    config_filename: str | os.PathLike[str] | None = None,
    cloud: str | None = None,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> dict[str, Any]:
    """Return the configuration that `load` finds, as data that does not depend on its place.

    Paths are absolute, references to passwords stay references. The arguments are those of `load`.
    """
    places = _places(environ, cwd)
    with _finite():
        return forms.portable(sources.find(places, cloud_config, config_filename, cloud), places)


@contextmanager
def _finite() -> Iterator[None]:
    """Refuse endless data, such as a list that contains itself, which YAML and Python allow."""
    try:
        yield
    except RecursionError:
        raise ConfigError("the configuration is nested too deeply") from None


def _places(environ: Mapping[str, str] | None, cwd: Path | None) -> sources.Places:
    return sources.Places(os.environ if environ is None else environ, cwd or _present_directory())


def _present_directory() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it was deleted, so it has no files
        return Path("/")
