"""The hosts of the crash matrix, with all its faults on them at once."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hostlab.fingerprint import Fingerprint
from hostlab.observer import Host
from hostlab.rows import DISK, OOM, ROWS
from hostlab.waiting import wait_for
from os_faults import Cloud
from os_faults.model import Action

_SLOWEST = 40.0
"""Seconds that an injection of all may take where none was measured."""

# What the faults need on each host. A container only sees its controllers; as on a machine, its systemd gets them.
_MOUNT = f"""
printf '%s\\n' '[Mount]' What=tmpfs Where={DISK} Type=tmpfs Options=size=48m '[Install]' WantedBy=local-fs.target \
    >/etc/systemd/system/srv-matrix.mount
systemctl daemon-reload
systemctl --quiet enable --now srv-matrix.mount
"""
_UNMOUNT = """
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
        cloud: of these hosts.
        config: path of its configuration.
        rows: the faults.
        pace: seconds that an injection of all took at most, on this machine.
        before: host → how it was.
    """

    hosts: Mapping[str, Host]
    cloud: Cloud
    config: Path
    rows: list[str]
    pace: float = 0.0
    before: dict[str, Fingerprint] = field(default_factory=dict)

    # -- the hosts -----------------------------------------------------------------------------

    def everywhere(self, act: Callable[[Host], Any]) -> dict[str, Any]:
        """Do something with each host, at once; return host → what came of it."""
        return dict(zip(self.hosts, at_once(act, self.hosts.values()), strict=True))

    def build(self) -> None:
        """Give each host a disk of its own."""
        self.everywhere(lambda host: host.sh(_MOUNT))

    def prepare(self) -> None:
        """Give the hosts their controllers, which a reboot takes away, and remember how they are."""
        self.everywhere(lambda host: host.sh(_CONTROLLERS.format(how="rw")))
        self.before = self.everywhere(Host.fingerprint)

    def dismantle(self) -> None:
        """Take back what `build` and `prepare` did."""
        self.everywhere(lambda host: host.sh(_UNMOUNT + _CONTROLLERS.format(how="ro")))

    def await_as_before(self, within: float = 60) -> None:
        """Wait until each host is as it was, with nothing of ours; the time is for seeing it, on a busy machine.

        Raises:
            AssertionError: with what is different.
        """
        self.everywhere(lambda host: host.await_fingerprint(self.before[host.name], within))

    # -- the faults ----------------------------------------------------------------------------

    def seconds(self) -> int:
        """Return a time for the faults in which all of them can be injected, and something happen to them."""
        return round(1.7 * (self.pace or _SLOWEST) + 8)

    def action(self, verb: str, seconds: int) -> Action:
        """Return the action that injects a row."""
        row = ROWS[verb]
        nodes = self.cloud.get_nodes([self.hosts[row.host].fqdn])
        options = {**row.options, row.ends_by: seconds}
        if row.service:
            return self.cloud.get_service(row.service).action(verb, nodes, **options)
        return nodes.action(verb, **options)

    def inject(self, seconds: int, verbs: Iterable[str] | None = None) -> dict[str, Held]:
        """Inject the faults, and wait until each shows on its host.

        Args:
            seconds: after which they end.
            verbs: which; all when None.

        Returns:
            Fault → what its host holds.
        """
        chosen = list(self.rows if verbs is None else verbs)
        begin = time.monotonic()
        with self.tamed(chosen):
            if OOM in chosen:  # returns when it is over
                action = self.action(OOM, seconds)
                threading.Thread(target=self.cloud.perform, args=(action,), kwargs={"check": False}).start()
            at_once(lambda verb: self.cloud.perform(self.action(verb, seconds)), [v for v in chosen if v != OOM])
            held = self.await_shown(chosen)
        self.pace = max(self.pace, time.monotonic() - begin)
        return held

    @contextmanager
    def tamed(self, verbs: Iterable[str]) -> Iterator[None]:
        """Keep those faults that would disturb the others from doing so, from their beginning on."""
        ways = {OOM: _HOLD_STILL, "stress": _GIVE_WAY}
        helpers = [
            subprocess.Popen([*self.hosts[ROWS[verb].host].argv, "sh", "-c", shlex.quote(way)])
            for verb, way in ways.items()
            if verb in verbs
        ]
        try:
            yield
            assert all(helper.wait(timeout=60) == 0 for helper in helpers), "what loads a host did not begin"
        finally:
            for helper in helpers:
                helper.kill()
                helper.wait()

    def await_shown(self, verbs: Iterable[str], within: float = 60) -> dict[str, Held]:
        """Wait until each fault shows on its host, and return fault → what the host holds.

        Raises:
            AssertionError: some are not there.
        """
        absent: set[str] = set()

        def there() -> bool:
            found = self.everywhere(Host.fingerprint)
            absent.clear()
            absent.update(verb for verb in verbs if not ROWS[verb].shown(found[ROWS[verb].host]))
            return not absent

        try:
            wait_for(there, "all faults are there", within, pause=0.3)
        except AssertionError as error:
            raise AssertionError(f"{error}; absent: {', '.join(sorted(absent))}") from None
        return self.held(verbs)

    def held(self, verbs: Iterable[str]) -> dict[str, Held]:
        """Return fault → what its host holds, from the records there."""
        script = "for record in /run/os-faults/*/record.json; do tr -d '\\n' <$record; echo; done"
        found = {}
        for name, text in self.everywhere(lambda host: host.sh(script)).items():
            for line in text.splitlines():
                record = json.loads(line)
                found[record["fault"]] = Held(name, record["id"], record["until"])
        return {verb: found[verb] for verb in verbs}

    def ended(self, held: Mapping[str, Held]) -> dict[str, float]:
        """Return fault → how long after its time it had ended, by the journal of its host, in seconds."""
        script = "journalctl --quiet --no-pager --boot --output=short-unix _PID=1 | grep os-faults-"
        told = {
            name: {unit: float(at) for at, unit in _ENDED.findall(text)}  # the last end of each
            for name, text in self.everywhere(lambda host: host.sh(script)).items()
        }
        return {verb: told[fault.host].get(fault.id, 0.0) - fault.until for verb, fault in held.items()}


def at_once(act: Callable[[Any], Any], things: Iterable[Any]) -> list[Any]:
    """Do something with all things at the same time; return what came of each, or raise the first error."""
    things = list(things)
    with ThreadPoolExecutor(max_workers=max(1, len(things))) as pool:
        return list(pool.map(act, things))
