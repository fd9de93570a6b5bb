"""What every test needs: directories of its own in place of the user's."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

# A job in the background (or nohup) starts with these ignored, and so would everything that tests start.
for _number, _default in {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}.items():
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _default)


@pytest.fixture(scope="session", autouse=True)
def own_directories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests away from the user's configuration, memory and artifacts."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        for name in ("OS_FAULTS_CONFIG", "OS_CLIENT_CONFIG_FILE", "OS_CLIENT_SECURE_FILE"):
            patch.delenv(name, raising=False)
        yield
