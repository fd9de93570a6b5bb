"""The hosts of the crash matrix, with all its faults on them at once."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import os_faults
from hostlab.crowd import Crowd, Wish
from hostlab.fingerprint import Fingerprint
from hostlab.observer import Host
from hostlab.rows import DISK, OOM, ROWS, action_of
from hostlab.waiting import wait_for
from os_faults import Cloud
from os_faults.model import Action

_SLOWEST = 40.0
"""Seconds that an injection of all may take where none was measured."""

# What the faults need on each host. A container only sees its controllers; as on a machine, its systemd gets them.
MOUNT = f"""
printf '%s\\n' '[Mount]' What=tmpfs Where={DISK} Type=tmpfs Options=size=48m '[Install]' WantedBy=local-fs.target \
    >/etc/systemd/system/srv-matrix.mount
systemctl daemon-reload
systemctl --quiet enable --now srv-matrix.mount
"""
UNMOUNT = """
systemctl --quiet disable --now srv-matrix.mount
rm -f /etc/systemd/system/srv-matrix.mount
systemctl daemon-reload
"""
_CONTROLLERS = """
for one in memory cpu; do mount -o remount,{how},bind /sys/fs/cgroup/$one; done
systemctl daemon-reexec
"""

# What fills the memory is stopped before it has filled it; the load of stress leaves the processors to the others.
_HOLD_STILL = r"""
tries=0
until pkill -STOP -f '^[^ ]*python[^ ]* .*eat_memory'; do
    tries=$((tries + 1)); [ $tries -lt 4000 ] || exit 1; sleep 0.01
done
"""
_GIVE_WAY = """
tries=0
until pgrep stress-ng >/dev/null; do
    tries=$((tries + 1)); [ $tries -lt 400 ] || exit 1; sleep 0.1
done
for pid in $(pgrep stress-ng); do echo 19 >/proc/$pid/autogroup; renice --priority 19 $pid; done >/dev/null 2>&1
true
"""

_HOLDS = "[ $(ls -d /run/os-faults/*/ 2>/dev/null | wc -l) -ge {} ]"
_HOLDS_NOTHING = "! ls -d /run/os-faults/*/ >/dev/null 2>&1"

_RECORDS = """
for each in /run/os-faults/*/; do
    [ -e $each/record.json ] || continue
    began=; [ ! -s $each/began ] || read -r began <$each/began
    printf '%s\\t%s\\n' "$(tr -d '\\n' <$each/record.json)" "$began"
done
"""
"""A line for each hold: its record, and when its injection had ended, in hundredths of a second since boot."""

_ENDED = re.compile(r"^(\d+\.\d+) .*: os-faults-([\w.-]+)\.service: (?:Deactivated success|Failed with result)", re.M)


@dataclass(frozen=True)
class Held:
    """A fault as its host tells of it, by the host's clock.

    Attributes:
        host: where it is.
        id: its identity there.
        until: when it ends.
    """

    host: str
    id: str
    until: float


@dataclass
class Stage:
    """Injects all the faults of the matrix, and finds out what became of them.

    Attributes:
        hosts: name → host.
        config: path of the configuration of their cloud.
        rows: the faults.
        cloud: the cloud, from `connect` on.
        pace: seconds that an injection of all took at most, on this machine.
        before: host → how it was.
    """

    hosts: Mapping[str, Host]
    config: Path
    rows: list[str]
    cloud: Cloud = field(init=False)
    pace: float = 0.0
    before: dict[str, Fingerprint] = field(default_factory=dict)
    _begun: float = 0.0
    _filling: threading.Thread | None = None

    # -- the hosts -----------------------------------------------------------------------------

    def everywhere(self, act: Callable[[Host], Any]) -> dict[str, Any]:
        """Do something with each host, at once; return host → what came of it."""
        return dict(zip(self.hosts, at_once(act, self.hosts.values()), strict=True))

    def build(self) -> None:
        """Give each host a disk of its own."""
        self.everywhere(lambda host: host.sh(MOUNT))

    def prepare(self) -> None:
        """Give the hosts their controllers, which a reboot takes away, and remember how they are."""
        self.everywhere(lambda host: host.sh(_CONTROLLERS.format(how="rw")))
        self.before = self.everywhere(Host.fingerprint)

    def dismantle(self) -> None:
        """Take back what `build` and `prepare` did."""
        self.everywhere(lambda host: host.sh(UNMOUNT + _CONTROLLERS.format(how="ro")))

    def await_as_before(self, within: float = 60) -> None:
        """Wait until each host is as it was, with nothing of ours; the time is for seeing it, on a busy machine.

        Raises:
            AssertionError: with what is different.
        """

        def wait(host: Host) -> None:
            host.await_true(_HOLDS_NOTHING, "nothing is held", within)
            host.await_fingerprint(self.before[host.name], within)

        self.everywhere(wait)
        if self._filling:
            self._filling.join(timeout=60)

    def connect(self) -> None:
        """Connect to the cloud, anew when connections to it broke."""
        self.disconnect()
        self.cloud = os_faults.connect(config_filename=self.config)

    def disconnect(self) -> None:
        """Give back the connections."""
        if hasattr(self, "cloud"):
            self.cloud.close()

    def versions(self) -> dict[str, str]:
        """Return what the matrix is about: program → version, here and on the hosts."""
        host = next(iter(self.hosts.values()))
        return {
            "os_faults": version("os-faults"),
            "ansible-core": version("ansible-core"),
            "Python": platform.python_version(),
            "systemd": host.sh("systemctl --version | sed -n '1s/systemd \\([0-9]*\\).*/\\1/p'"),
            "Debian": host.sh("cat /etc/debian_version"),
        }

    # -- the faults ----------------------------------------------------------------------------

    def seconds(self) -> int:
        """Return a time for the faults in which all of them can be injected, and something happen to them."""
        return round(1.7 * (self.pace or _SLOWEST) + 8)

    def action(self, verb: str, seconds: int) -> Action:
        """Return the action that injects a row."""
        return action_of(self.cloud, verb, self.node_of(verb), seconds)

    def node_of(self, verb: str) -> str:
        """Return the name of the node that a row is injected on."""
        return self.hosts[ROWS[verb].host].fqdn

    def inject(self, seconds: int, verbs: Iterable[str] | None = None) -> dict[str, Held]:
        """Inject the faults, and wait until each shows on its host.

        Args:
            seconds: after which they end.
            verbs: which; all when None.

        Returns:
            Fault → what its host holds.
        """
        chosen = list(self.rows if verbs is None else verbs)
        with self.tamed(chosen) as helpers:
            if OOM in chosen:  # returns when it is over
                verb = partial(self.cloud.perform, self.action(OOM, seconds), check=False)
                self._filling = threading.Thread(target=verb, daemon=True)
                self._filling.start()
                helpers[OOM].wait(timeout=60)  # else what a test stopped may look like the work of another fault
            at_once(lambda verb: self.cloud.perform(self.action(verb, seconds)), [v for v in chosen if v != OOM])
            return self.await_shown(chosen)

    @contextmanager
    def crowd(self, seconds: int, **wish: Any) -> Iterator[Crowd]:
        """Let a controller inject the faults, in a process of its own, until the end of the block.

        Args:
            seconds: after which the faults end.
            wish: see `hostlab.crowd.Wish`.
        """
        crowd = Crowd(self.config, Wish({verb: self.node_of(verb) for verb in self.rows}, seconds, **wish))
        try:
            yield crowd
        except BaseException:
            print(crowd.said())
            raise
        finally:
            crowd.close()

    @contextmanager
    def tamed(self, verbs: Iterable[str]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
        """Keep those faults that would disturb the others from doing so, from their beginning on.

        Yields:
            Fault → the process that does so, and ends when it is done.
        """
        self._begun = time.monotonic()
        ways = {OOM: _HOLD_STILL, "stress": _GIVE_WAY}
        helpers = {
            verb: subprocess.Popen(self.hosts[ROWS[verb].host].command("sh", "-c", way))
            for verb, way in ways.items()
            if verb in verbs
        }
        try:
            yield helpers
            assert all(helper.wait(timeout=60) == 0 for helper in helpers.values()), "a load did not begin"
        finally:
            for helper in helpers.values():
                helper.kill()
                helper.wait()

    def await_shown(self, verbs: Iterable[str], within: float = 180) -> dict[str, Held]:
        """Wait until each fault shows on its host, and return fault → what the host holds.

        Raises:
            AssertionError: some are not there.
        """
        absent = set(verbs)
        held_by = Counter(ROWS[verb].host for verb in verbs)
        self.everywhere(lambda host: host.await_true(_HOLDS.format(held_by[host.name]), "all faults are made", within))

        def there() -> bool:
            found = self.everywhere(Host.fingerprint)
            now = {verb for verb in verbs if not ROWS[verb].shown(found[ROWS[verb].host])}
            absent.intersection_update(now)
            return not now

        try:
            wait_for(there, "all faults are there", within, pause=1)
        except AssertionError as error:
            raise AssertionError(f"{error}; absent all the time: {', '.join(sorted(absent))}") from None
        self.pace = max(self.pace, time.monotonic() - self._begun)
        held = self.held()
        return {verb: held[verb] for verb in verbs}

    def held(self) -> dict[str, Held]:
        """Return fault → what its host holds, from the records there; a fault lasts from the end of its injection."""
        found = {}
        for name, lines in self.everywhere(lambda host: host.sh(_RECORDS)).items():
            for line in lines.splitlines():
                text, _, began = line.partition("\t")
                record = json.loads(text)
                written = record.get("uptime")  # a renewed one has its own end
                late = float(began) / 100 - written if began and written is not None else 0.0
                found[record["fault"]] = Held(name, record["id"], record["until"] + late)
        return found

    def ends(self) -> dict[str, float]:
        """Return fault → when it last ended, by the journal of its host; only of faults that did in this boot."""
        script = "journalctl --quiet --no-pager --boot --output=short-unix _PID=1 | grep os-faults-; true"
        told = self.everywhere(lambda host: _ENDED.findall(host.sh(script)))
        return {
            verb: float(at)
            for verb in self.rows
            for at, unit in told[ROWS[verb].host]
            if unit.startswith(f"{verb}-") and not unit.endswith("-load")
        }


def at_once(act: Callable[[Any], Any], things: Iterable[Any]) -> list[Any]:
    """Do something with all things at the same time; return what came of each, or raise the first error."""
    things = list(things)
    with ThreadPoolExecutor(max_workers=max(1, len(things))) as pool:
        return list(pool.map(act, things))
