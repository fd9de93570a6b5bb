"""The steps of the demo, each with its expected and its actual result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from os_faults.demo.stage import Actor, Stage

FREEZE = 3
"""Seconds of the freeze that ends by itself."""

NOT_SHOWN = (
    "unplug, disable_network, reboot, oom and stress change the whole machine or need root; the demo leaves them out",
)

_LONG_FREEZE = 120
_PATIENCE = 20.0


@dataclass(frozen=True)
class Step:
    """One step of the demo.

    Attributes:
        done: the verbs of the step.
        service: its service.
        should: the expected result.
        seen: the actual result.
        ok: whether the result is as expected.
        away: seconds without an answer, measured by the probe; None when nothing was measured.
        seconds: duration of the whole step, with Ansible's runs.
    """

    done: str
    service: str
    should: str
    seen: str
    ok: bool
    away: float | None
    seconds: float

    def plain(self) -> dict[str, Any]:
        """Return the step as plain data."""
        return {
            **asdict(self),
            "away": None if self.away is None else round(self.away, 2),
            "seconds": round(self.seconds, 2),
        }


class _Seen:
    """Collects the observations of a step, and whether all are as expected."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.ok = True

    def that(self, fact: bool, right: str, wrong: str) -> bool:
        self.words.append(right if fact else wrong.upper())
        self.ok = self.ok and fact
        return fact


def steps(stage: Stage) -> Iterator[Step]:
    """Run the steps of the demo; yield each step at its end."""
    yield _discover(stage)
    web, api = stage.web, stage.api
    yield _play("start", web, "it answers", lambda seen: _start(seen, web))
    yield _play("start", api, "it answers", lambda seen: _start(seen, api))
    yield _play("kill; start", web, "away until it is started", lambda seen: _kill(seen, web))
    yield _play(
        f"freeze for {FREEZE} s", web, "comes back by itself, the same process", lambda seen: _freeze(seen, web)
    )
    yield _play("freeze; heal", api, "away until it is healed, the same process", lambda seen: _heal(seen, stage, api))
    yield _play("restart", web, "a new process answers", lambda seen: _restart(seen, web))
    yield _play("terminate; heal", api, "away until it is healed", lambda seen: _terminate(seen, stage, api))
    yield _leave(stage)


def _play(done: str, actor: Actor, should: str, act: Callable[[_Seen], None]) -> Step:
    seen = _Seen()
    begin = time.monotonic()
    act(seen)
    outage = actor.probe.last(since=begin)
    away = outage.seconds if outage else None
    return Step(done, actor.name, should, ", ".join(seen.words), seen.ok, away, time.monotonic() - begin)


def _discover(stage: Stage) -> Step:
    begin = time.monotonic()
    names = stage.discover()
    seen = f"found {', '.join(names)}"
    return Step("discover", "-", "this machine is the cloud", seen, len(names) == 1, None, time.monotonic() - begin)


def _start(seen: _Seen, actor: Actor) -> None:
    seen.that(not actor.probe.wait(answering=True, seconds=0.2), "silent before", "answered before it was started")
    actor.service.start()
    seen.that(actor.probe.wait(answering=True, seconds=_PATIENCE), "answers", "does not answer")


def _kill(seen: _Seen, actor: Actor) -> None:
    actor.service.kill()
    _silent(seen, actor)
    seen.that(actor.probe.stays_away(1), "stayed away", "came back without a start")
    actor.service.start()
    _back(seen, actor)


def _freeze(seen: _Seen, actor: Actor) -> None:
    pid, begin = actor.pid, time.monotonic()
    actor.service.freeze(sec=FREEZE)
    _silent(seen, actor)
    if _back(seen, actor):
        outage = actor.probe.last(since=begin)
        long_enough = outage is not None and (outage.seconds or 0) >= FREEZE - 1
        seen.that(long_enough, "by itself", "too early")
    _same(seen, actor, pid)


def _heal(seen: _Seen, stage: Stage, actor: Actor) -> None:
    pid = actor.pid
    actor.service.freeze(sec=_LONG_FREEZE)
    _silent(seen, actor)
    mine = [fault for fault in stage.cloud.faults() if (fault.verb, fault.subject) == ("freeze", actor.name)]
    seen.that(len(mine) == 1, "listed among the faults", "not listed among the faults")
    _healed(seen, stage, f"freeze-{actor.name}")
    _back(seen, actor)
    _same(seen, actor, pid)


def _restart(seen: _Seen, actor: Actor) -> None:
    pid = actor.pid
    actor.service.restart()
    _back(seen, actor)
    seen.that(actor.pid not in (pid, None), "a new process", "no new process")


def _terminate(seen: _Seen, stage: Stage, actor: Actor) -> None:
    actor.service.terminate()
    _silent(seen, actor)
    seen.that(actor.probe.stays_away(0.5), "stayed away", "came back before it was healed")
    _healed(seen, stage, f"terminate-{actor.name}")
    _back(seen, actor)


def _leave(stage: Stage) -> Step:
    begin = time.monotonic()
    left = [fault.id for fault in stage.cloud.faults() if fault.id in stage.holds]
    seen = f"LEFT: {', '.join(left)}" if left else "none"
    return Step("faults", "-", "no fault of the demo is left", seen, not left, None, time.monotonic() - begin)


def _silent(seen: _Seen, actor: Actor) -> None:
    seen.that(actor.probe.wait(answering=False, seconds=_PATIENCE), "went silent", "went on answering")


def _back(seen: _Seen, actor: Actor) -> bool:
    return seen.that(actor.probe.wait(answering=True, seconds=_PATIENCE), "answers again", "did not come back")


def _same(seen: _Seen, actor: Actor, pid: int | None) -> None:
    seen.that(actor.pid == pid is not None, "the same process", "another process")


def _healed(seen: _Seen, stage: Stage, hold: str) -> None:
    seen.that(hold in stage.heal(), "healed", "heal did not find it")
