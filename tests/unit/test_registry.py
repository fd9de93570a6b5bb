"""Drivers are found by entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from os_faults import registry
from os_faults.errors import ConfigError, OSFDriverNotFound


def install(monkeypatch: pytest.MonkeyPatch, *entries: tuple[str, str]) -> None:
    monkeypatch.setattr(
        registry,
        "entry_points",
        lambda group: tuple(EntryPoint(name, value, group) for name, value in entries if group == "os_faults.power"),
    )


def test_ours_are_there() -> None:
    assert {kind: registry.names(kind) for kind in registry.KINDS} == {
        "cloud": ("devstack", "fuel", "kolla", "saltcloud", "tcpcloud", "universal"),
        "power": ("ipmi", "libvirt", "redfish"),
        "service": (
            "container",
            "linux_service",
            "pacemaker",
            "pcs_or_linux_service",
            "pcs_service",
            "process",
            "salt_service",
            "screen",
            "system_service",
            "systemd",
            "systemd_service",
        ),
        "container": ("docker", "docker_container", "podman"),
        "node_discover": ("node_list",),
    }


def test_one_of_another_package(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("paths", "pathlib:Path"))
    assert registry.names("power") == ("paths",)
    assert registry.get("power", "paths").__name__ == "Path"


def test_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("redfish", "x:Y"))
    with pytest.raises(OSFDriverNotFound, match="no power driver 'redfsh': did you mean 'redfish'"):
        registry.get("power", "redfsh")


def test_two_of_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("redfish", "a:A"), ("redfish", "b:B"))
    with pytest.raises(ConfigError, match="two power drivers are called 'redfish': a:A and b:B"):
        registry.get("power", "redfish")


def test_installed_twice_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("paths", "pathlib:Path"), ("paths", "pathlib:Path"))
    assert registry.get("power", "paths").__name__ == "Path"


@pytest.mark.parametrize("value", ["nowhere_to_be_found:A", "pathlib:NoSuchClass"])
def test_one_that_breaks(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    install(monkeypatch, ("redfish", value))
    with pytest.raises(ConfigError, match=f"can't import the power driver 'redfish' \\({value}\\)"):
        registry.get("power", "redfish")


class Told:
    """A driver of another package, in the words of an older name."""

    DESCRIPTION = "Older name of my tool, now for all of it"


class Renamed:
    """A driver that another one has taken the place of."""

    DESCRIPTION = "Paths"
    OLDER_NAME_OF = "told"


def test_an_older_name_is_one_by_its_own_word_and_not_by_its_description(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("told", f"{__name__}:Told"), ("renamed", f"{__name__}:Renamed"))
    assert registry.names("power") == ("renamed", "told")
    assert registry.present_names("power") == ("told",)


def test_each_older_name_is_one_of_a_present_driver() -> None:
    older = {
        (kind, registry.get(kind, name).OLDER_NAME_OF)
        for kind in registry.KINDS
        for name in registry.names(kind)
        if registry.is_older_name(kind, name)
    }
    assert older == {
        ("cloud", "saltcloud"),
        ("service", "systemd"),
        ("service", "pacemaker"),
        ("container", "docker"),
    }
    assert all(name in registry.present_names(kind) for kind, name in older)
