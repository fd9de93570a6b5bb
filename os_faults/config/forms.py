"""The three forms of a configuration → `Config`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from os_faults.config.auth import auth_of
from os_faults.config.schema import SCHEMA, check, join
from os_faults.config.secrets import SECRET_KEYS, resolve
from os_faults.config.sources import Places, Source
from os_faults.config.types import Config, DriverConfig, Protected, ServiceConfig, SshConfig, Worker
from os_faults.errors import ConfigError
from os_faults.model.duration import whole_seconds

Secrets = Callable[[Any, str, Places, Path], Any]

PATH_KEYS = frozenset(
    {"private_key_file", "known_hosts", "artifacts_dir", "verify", "inventory", "vault_password_file"}
)
"""Keys with a path on the controller, if the value is text; it is made absolute, with ``~`` expanded."""


def parse(source: Source, places: Places) -> Config:
    """Return the internal form of a configuration.

    Raises:
        ConfigError: a key is unknown, missing or wrong, or the target of a password reference does not exist.
    """
    start = f"{source.name}: "
    data = _resolved(source.data, start, places, source.base, _secret)
    _drop_empty_sections(data)
    _spell_out_off(data)
    check(data, SCHEMA, start)
    networks = data.get("networks", {})
    artifacts = data.get("artifacts_dir")
    return Config(
        cloud=_cloud(data["cloud_management"], networks, start),
        power=_power(data, start),
        node_discover=_driver(data["node_discover"], join(start, "node_discover")) if "node_discover" in data else None,
        services=_services(data, "services", start),
        containers=_services(data, "containers", start),
        networks=networks or _args(data["cloud_management"]).get("networks", {}),
        ssh=SshConfig(**data.get("ssh", {})),
        artifacts_dir=Path(artifacts) if artifacts else None,
        heal_after=_seconds(data.get("heal_after", Config.heal_after), join(start, "heal_after")),
        limits=_limits(data.get("limit", [])),
        protected=Protected(**{what: tuple(names) for what, names in data.get("protected", {}).items()}),
        workers=_workers(data, start),
        source=source.name,
    )


def portable(source: Source, places: Places) -> dict[str, Any]:
    """Return a copy of a configuration that does not depend on its place: its paths are absolute.

    References to passwords stay references.
    """
    return dict(_resolved(source.data, f"{source.name}: ", places, source.base, _reference))


def _resolved(value: Any, where: str, places: Places, base: Path, secret: Secrets) -> Any:
    """Return a copy with absolute paths, and with passwords converted by ``secret``."""
    if isinstance(value, list):
        return [_resolved(item, join(where, index), places, base, secret) for index, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    copy: dict[str, Any] = {}
    for key, item in value.items():
        path = join(where, str(key))
        if not isinstance(key, str):
            raise ConfigError(f"{path}: a key must be a string; put it in quotes")
        if key in SECRET_KEYS:
            copy[key] = secret(item, path, places, base)
        elif key in PATH_KEYS and isinstance(item, str) and item:
            copy[key] = str(places.expand(item, base))
        else:
            copy[key] = _resolved(item, path, places, base, secret)
    return copy


def _secret(value: Any, where: str, places: Places, base: Path) -> Any:
    return resolve(_reference(value, where, places, base), where, places.environ, base)


def _reference(value: Any, _where: str, places: Places, base: Path) -> Any:
    """Return a password or its reference, with the absolute path of a file."""
    if isinstance(value, Mapping) and isinstance(name := value.get("file"), str) and name:
        return {**value, "file": str(places.expand(name, base))}
    return value


def _seconds(value: int | str, where: str) -> int:
    """Return a duration in seconds."""
    try:
        return whole_seconds(value)
    except ValueError as error:
        raise ConfigError(f"{where} must be {error}, got: {value}") from None


def _drop_empty_sections(data: dict[str, Any]) -> None:
    """Remove the keys without a value: templates write ``services:`` also when there are none."""
    for key in [key for key, value in data.items() if value is None]:
        del data[key]


def _spell_out_off(data: dict[str, Any]) -> None:
    """Replace false by ``off``, as YAML reads a bare ``off`` as false."""
    ssh = data.get("ssh")
    if isinstance(ssh, dict) and ssh.get("host_key_policy") is False:
        ssh["host_key_policy"] = "off"


def _cloud(entry: Mapping[str, Any], networks: Mapping[str, Any], start: str) -> DriverConfig:
    driver = _driver(entry, join(start, "cloud_management"))
    if not networks:
        return driver
    if "networks" in driver.args:
        raise ConfigError(f"{start}networks is given twice: at the top and as {join(driver.where, 'networks')}")
    return DriverConfig(driver.driver, {**driver.args, "networks": networks}, driver.where)


def _power(data: Mapping[str, Any], start: str) -> tuple[DriverConfig, ...]:
    if "power_management" in data and "power_managements" in data:
        raise ConfigError(f"{start}power_management stands beside power_managements: put all into power_managements")
    if "power_management" in data:
        return (_driver(data["power_management"], join(start, "power_management")),)
    entries = data.get("power_managements", ())
    return tuple(_driver(entry, join(start, "power_managements", index)) for index, entry in enumerate(entries))


def _services(data: Mapping[str, Any], section: str, start: str) -> dict[str, ServiceConfig]:
    services = {}
    for name, entry in data.get(section, {}).items():
        rest = {key: value for key, value in entry.items() if key != "hosts"}
        driver = _driver(rest, join(start, section, name))
        services[name] = ServiceConfig(driver.driver, driver.args, driver.where, tuple(entry.get("hosts", ())))
    return services


def _limits(value: Any) -> tuple[str, ...]:
    return tuple(str(limit) for limit in (value if isinstance(value, list) else [value]))


def _workers(data: Mapping[str, Any], start: str) -> tuple[Worker, ...]:
    return tuple(
        Worker(
            address=entry["address"],
            auth=auth_of(entry, where=join(start, "workers", index)),
            runner=entry.get("ansible_runner", Worker.runner),
            nodes=tuple(entry.get("nodes", ())),
        )
        for index, entry in enumerate(data.get("workers", ()))
    )


def _driver(entry: Mapping[str, Any], where: str) -> DriverConfig:
    """Return one driver's entry: nested when it has ``args``, else flat."""
    beside = sorted(set(entry) - {"driver", "args"})
    if "args" in entry and beside:
        raise ConfigError(f"{join(where, beside[0])} stands beside args: put it under args, or leave args out")
    return DriverConfig(entry["driver"], _args(entry), join(where, "args") if "args" in entry else where)


def _args(entry: Mapping[str, Any]) -> Any:
    if "args" in entry:
        return entry["args"]
    return {key: value for key, value in entry.items() if key != "driver"}
