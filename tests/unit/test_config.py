"""What the cases in tests/golden/config can't say: secrets stay masked, input stays as it was."""

from __future__ import annotations

import traceback
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from os_faults import config
from os_faults.drivers.cloud.devstack import DevStackCloud
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
