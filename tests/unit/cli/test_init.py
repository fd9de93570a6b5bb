"""``os-faults init``: a configuration to begin with, for every kind of cloud."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from os_faults.cli import main
from os_faults.config import load
from os_faults.registry import drivers_of, present_names

KINDS = present_names("cloud")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_a_configuration(kind: str, tmp_path: Path) -> None:
    out = tmp_path / "os-faults.yaml"
    done = CliRunner().invoke(main, ["init", kind, str(out)])
    assert (done.exit_code, done.stdout) == (
        0,
        f"Wrote {out}. Next: change its addresses and login, then run: os-faults verify\n",
    )
    assert out.stat().st_mode & 0o777 == 0o600
    assert kind == drivers_of(load(config_filename=out)).cloud.NAME
    text = out.read_text()
    for key in ("power_management", "limit", "protected", "heal_after"):
        text = text.replace(f"\n# {key}: ", f"\n{key}: ")
    out.write_text(text)
    config = load(config_filename=out)
    assert (config.heal_after, len(config.power), len(config.limits)) == (1800, 1, 1), "what is commented out fits"


def test_an_existing_file_stays(tmp_path: Path) -> None:
    out = tmp_path / "os-faults.yaml"
    out.write_text("mine")
    done = CliRunner().invoke(main, ["init", "devstack", str(out)])
    assert done.exit_code == 2
    assert "exists already, and was not changed" in done.stderr
    assert out.read_text() == "mine"


def test_the_help_has_every_kind() -> None:
    assert f"KIND: the kind of cloud: {', '.join(KINDS)}.\n" in CliRunner().invoke(main, ["init", "--help"]).stdout


def test_it_is_printed() -> None:
    done = CliRunner().invoke(main, ["init", "kolla", "-"])
    assert "driver: kolla" in done.stdout


def test_an_unknown_kind_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["init", "devstak"])
    assert done.exit_code == 2
    assert "did you mean 'devstack'" in done.stderr
    assert list(tmp_path.iterdir()) == []
