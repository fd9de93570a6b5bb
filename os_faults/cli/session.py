"""One call of the command: the cloud, the output and the log of the global options."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from os_faults.cli.output import Output
from os_faults.cli.terminal import say
from os_faults.system import files
from os_faults.system.text import printable

if TYPE_CHECKING:
    from os_faults.cloud import Cloud
    from os_faults.config import Config

LOG_LEVELS = ("debug", "info", "warning", "error")
OUTPUTS = ("text", "json", "yaml")


class _Stderr(logging.Handler):
    """Writes to the current stderr, so that a progress line is not torn."""

    def emit(self, record: logging.LogRecord) -> None:
        say(printable(self.format(record)), err=True)


@dataclass
class Session:
    """One call of ``os-faults``.

    Attributes:
        config: path of the configuration file.
        cloud: name of a cloud in ``clouds.yaml``.
        artifacts_dir: directory for the artifacts of runs.
        seed: seed of the random choices.
        output: a word of `OUTPUTS`.
        log_level: a word of `LOG_LEVELS`.
        parts: further arguments of `Cloud`, for tests (``runner``, ``state``).
    """

    config: str | None = None
    cloud: str | None = None
    artifacts_dir: str | None = None
    seed: int | None = None
    output: str = "text"
    log_level: str = "warning"
    parts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._out: Output | None = None

    @property
    def out(self) -> Output:
        """The printer of results."""
        if self._out is None:
            self._out = Output(self.output)
        return self._out

    @property
    def debug(self) -> bool:
        """Whether tracebacks are shown."""
        return self.log_level == "debug"

    def runs_dir(self) -> Path:
        """Return the directory of the runs, by the options, the configuration if there is one, or the default.

        Raises:
            ConfigError: the configuration is wrong, or the named one is missing.
        """
        from os_faults.config import is_there
        from os_faults.config.state import runs_dir

        if self.artifacts_dir:
            return files.absolute(self.artifacts_dir)
        is_configured = bool(self.config or self.cloud) or is_there()
        return runs_dir(self._configured().artifacts_dir if is_configured else None, os.environ)

    def _configured(self) -> Config:
        """Return the configuration of the options.

        Raises:
            ConfigError: there is no configuration, or it is wrong.
        """
        from os_faults.config import load

        if self.config and self.cloud:
            raise click.UsageError(
                "--config and --cloud exclude each other: the first names a file, the second an entry of clouds.yaml"
            )
        return load(None, self.config, self.cloud)

    def start_logging(self) -> None:
        """Send the log of os_faults to stderr."""
        log = logging.getLogger("os_faults")
        for old in [handler for handler in log.handlers if isinstance(handler, _Stderr)]:
            log.removeHandler(old)
        handler = _Stderr()
        handler.setFormatter(logging.Formatter("os-faults: %(message)s"))
        log.addHandler(handler)
        log.setLevel(self.log_level.upper())

    @contextmanager
    def connected(self) -> Iterator[Cloud]:
        """Open the cloud of the configuration, and close it at the end.

        Raises:
            ConfigError: there is no configuration, or it is wrong.
        """
        from os_faults.cli.progress import shown
        from os_faults.cloud import Cloud

        config = self._configured()
        if self.artifacts_dir:
            config = replace(config, artifacts_dir=files.absolute(self.artifacts_dir))
        _leave_removed_directory()
        with Cloud(config, seed=self.seed, **self.parts) as cloud, shown(cloud):
            yield cloud


def _leave_removed_directory() -> None:
    """Change to the root directory if the current one was removed: it has no files, and Ansible needs a directory."""
    try:
        os.getcwd()
    except OSError:
        os.chdir("/")
