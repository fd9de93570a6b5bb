"""What the cases in tests/golden/config can't say: secrets stay masked, input stays as it was."""

from __future__ import annotations

import os
import pwd
import traceback
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from os_faults import config
from os_faults.drivers.cloud.devstack import DevStackCloud
from os_faults.drivers.cloud.universal import UniversalCloud
from os_faults.drivers.power.ipmi import IpmiPower
from os_faults.errors import ConfigError

CANARY = "c4n4ry"
FULL: dict[str, Any] = {
    "cloud_management": {
        "driver": "devstack",
        "address": "10.0.0.2",
        "auth": {"password": CANARY, "become_password": CANARY},
        "nodes": [{"address": "10.0.0.3", "password": {"env": "PW"}}],
    },
    "power_management": {
        "driver": "ipmi",
        "fqdn_to_bmc": {"node-1": {"address": "10.0.0.9", "username": "admin", "password": CANARY}},
    },
}


def build(content: dict[str, Any]) -> None:
    loaded = config.load(content, environ={"PW": CANARY})
    DevStackCloud(loaded.cloud.args)
    IpmiPower(loaded.power[0].args)


def test_no_secret_in_any_repr() -> None:
    loaded = config.load(FULL, environ={"PW": CANARY})
    cloud = DevStackCloud(loaded.cloud.args)
    shown = repr((loaded, loaded.cloud, loaded.cloud.args, loaded.power[0].args, cloud.seeds(), vars(cloud)))
    assert CANARY not in shown
    assert cloud.seeds()[0].auth.password == CANARY
    assert cloud.seeds()[1].auth.become_password == CANARY


@pytest.mark.parametrize("where", ["cloud_management", "power_management"])
def test_no_secret_in_an_error(where: str) -> None:
    broken = deepcopy(FULL)
    broken[where]["bogus"] = 1
    broken[where]["password"] = [CANARY]
    with pytest.raises(ConfigError) as caught:
        build(broken)
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_input_is_not_changed() -> None:
    given = deepcopy(FULL)
    config.load(given, environ={"PW": CANARY})
    assert given == FULL


def test_present_directory_is_that_of_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "os-faults.yml").write_text("cloud_management: {driver: devstack, address: 10.0.0.2}")
    monkeypatch.delenv("OS_FAULTS_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    assert config.load().source == str(tmp_path / "os-faults.yml")


def test_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"x\.yml: it is not UTF-8 text"):
        config.load(config_filename=tmp_path / "x.yml")


@pytest.mark.parametrize(
    "text",
    [
        "a: 2024-13-45",
        "a: !!int x",
        "a: !!bool x",
        "a: !!timestamp x",
        "a: " + "9" * 10_000,
        "a: &a [*a]",
        "a: " + "[" * 20_000,
        "{" * 20_000,
        "? [x]: y",
        "a: !!python/object:os.system x",
    ],
    ids=lambda text: text[:20],
)
def test_whatever_is_in_a_file_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yml").write_text(text)
    with pytest.raises(ConfigError, match=r"x\.yml|nested too deeply"):
        config.load(config_filename=tmp_path / "x.yml")
    with suppress(ConfigError):
        config.portable(config_filename=tmp_path / "x.yml")


def test_a_configuration_without_an_end_is_refused() -> None:
    endless: dict[str, Any] = deepcopy(FULL)
    endless["services"] = {"x": endless}
    with pytest.raises(ConfigError, match="nested too deeply"):
        config.load(endless, environ={"PW": CANARY})


@pytest.mark.parametrize("name", ["a\0b", "~nobody-of-this-name/x", "/proc/self/mem", "\udcff", "x" * 5000])
def test_an_odd_name_of_a_file_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't read"):
        config.load(config_filename=name, cwd=tmp_path)
    secret = deepcopy(FULL)
    secret["cloud_management"]["auth"]["password"] = {"file": name}
    with pytest.raises(ConfigError, match="can't read"):
        config.load(secret, environ={"PW": CANARY}, cwd=tmp_path)


@pytest.mark.parametrize("home", ["", "relative", None])
def test_without_a_home_the_account_says_where_it_is(home: str | None, tmp_path: Path) -> None:
    environ = {} if home is None else {"HOME": home, "XDG_CONFIG_HOME": "relative"}
    with pytest.raises(ConfigError) as caught:
        config.load(environ=environ, cwd=tmp_path)
    assert f"{pwd.getpwuid(os.getuid()).pw_dir}/.config/os-faults/os-faults.yml" in str(caught.value)


@pytest.mark.case("f39")
@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("password: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    6332", "!vault is a tag of Ansible, .*{env: NAME}"),
        (f"password: !{CANARY}", "a tag is not understood here: put a value that begins with '!' in quotes"),
        ("username: 1234", "username must be a user name .*; put it in quotes"),
        ("become_username: 0", "become_username must be a user name .*; put it in quotes"),
    ],
)
def test_a_value_that_yaml_reads_as_something_else(line: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "os-faults.yml").write_text(f"cloud_management:\n  driver: universal\n  nodes: [10.0.0.2]\n  {line}\n")
    with pytest.raises(ConfigError, match=why) as caught:
        build_universal(tmp_path)
    assert CANARY not in str(caught.value)
    assert "ANSIBLE_VAULT" not in str(caught.value)


def build_universal(directory: Path) -> None:
    loaded = config.load(environ={}, cwd=directory)
    UniversalCloud(loaded.cloud.args, loaded.cloud.where)


@pytest.mark.case("u14")
def test_without_a_configuration_one_sentence_and_the_paths_one_per_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(environ={"HOME": str(tmp_path)}, cwd=tmp_path)
    sentence, *paths = str(caught.value).splitlines()
    assert sentence.startswith("no configuration found: 'os-faults init' writes one, ")
    assert "'os-faults demo' needs none" in sentence
    assert len(sentence) < 150
    assert paths[0] == f"  {tmp_path}/os-faults.json"
    assert all(path.strip() == str(Path(path.strip())) for path in paths), "each can be copied"
