"""What every test needs: directories of its own in place of the user's."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ansible.module_utils
import pytest
from support import skips
from support.green_cases import counted

from os_faults import resources

BINDEP = Path(__file__).parents[1] / "bindep.txt"

# Tests import what modules share under the name that it has on a host: ansible.module_utils.os_faults.
ansible.module_utils.__path__.append(str(resources.module_utils_dir()))

# A job in the background (or nohup) starts with these ignored, and so would everything that tests start.
for _number, _default in {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}.items():
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _default)


def pytest_report_header() -> list[str]:
    """Say before the run which packages of Debian would keep tests from being skipped."""
    if not (missing := missing_packages()):
        return []
    names = " ".join(missing)
    return [f"tests are skipped that need packages which are not installed; to have them: apt-get install {names}"]


def missing_packages() -> list[str]:
    """Return the packages of bindep.txt that only tests and extras need, and that a Debian lacks."""
    if not shutil.which("dpkg-query"):
        return []
    names = re.findall(r"^(\S+) \[", BINDEP.read_text(encoding="utf-8"), re.MULTILINE)
    query = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *names]
    found = subprocess.run(query, capture_output=True, text=True, check=False).stdout.splitlines()
    return [name for name in names if f"{name} installed" not in found]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what tests have recorded as a ``summary``, and how many cases of tests/compatibility this run has shown."""
    reports = [report for found in terminalreporter.stats.values() for report in found if hasattr(report, "cases")]
    for report in reports:
        for name, value in report.user_properties if report.passed and report.when == "call" else ():
            if name == "summary":
                terminalreporter.write_line(value)
    for line in counted(reports):
        terminalreporter.write_line(line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[pytest.TestReport]:
    """Keep with each report the cases that its test is marked with; in CI, only what is listed may be skipped."""
    report = yield
    report.cases = [case for mark in item.iter_markers("case") for case in mark.args]
    skips.judge(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[pytest.CollectReport]:
    """In CI, only what is listed may be skipped, files of tests too."""
    report = yield
    skips.judge(report)
    return report


@pytest.fixture(scope="session", autouse=True)
def own_directories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests away from the user's configuration, memory and artifacts."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        for name in ("OS_FAULTS_CONFIG", "OS_CLIENT_CONFIG_FILE", "OS_CLIENT_SECURE_FILE"):
            patch.delenv(name, raising=False)
        yield
