"""Who else could change what lies at a path.

Other users try it in tests/functional/security/test_private_directory.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from os_faults.system.ownership import flaw


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "place"
    place.mkdir(mode=0o755)
    return place


def test_ones_own_has_none(place: Path) -> None:
    (place / "file").touch(mode=0o600)
    assert flaw(place / "file") == flaw(place) == flaw(Path("/etc/passwd")) == ""


def test_dots_and_links_lead_where_the_kernel_goes(place: Path) -> None:
    (place / "open").mkdir()
    (place / "open").chmod(0o777)
    (place / "open" / "deep").mkdir()
    (place / "link").symlink_to("open/deep")
    told = f"others may write to {place / 'open'}"
    assert flaw(place / "link" / ".." / "..") == told, "not /place, which is fine"
    assert flaw(place / "link") == told
    (place / "round").symlink_to("round")
    with pytest.raises(OSError, match="symbolic links"):
        flaw(place / "round")
    with pytest.raises(FileNotFoundError):
        flaw(place / "nothing")


def test_a_sticky_directory_is_fit_to_pass(place: Path) -> None:
    place.chmod(0o1777)
    (place / "ours").mkdir()
    assert flaw(place / "ours") == flaw(place, shared=True) == ""
    assert flaw(place) == f"others may write to {place}"
