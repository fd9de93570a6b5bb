"""What happens to the faults of the crash matrix: a function for each column."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from hostlab import altered
from hostlab.command import Shell
from hostlab.controller import processes_with
from hostlab.crowd import AFTER, THERE
from hostlab.observer import Host
from hostlab.rows import OOM
from hostlab.stage import Held, Stage, at_once
from hostlab.waiting import wait_for
from os_faults.actions import undoing

Seen = Mapping[str, str]
Way = Callable[[Stage], Seen]
"""Injects all rows, lets something happen, and returns row → how it ended, in few words.

Raises:
    AssertionError: a fault did not end as it should.
"""

ALLOWED = 2.0
"""Seconds that a host may take beyond the time of a fault, when this machine has a processor for whoever wants one."""

FAR = 900
"""Seconds after which faults end that must end by something else."""


def allowed() -> float:
    return ALLOWED * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def at_its_time(stage: Stage, held: Mapping[str, Held]) -> Seen:
    """Wait until the time of each fault has passed, and return how late the host ended it, by its own journal."""
    time.sleep(max(0.0, max(fault.until for fault in held.values()) + ALLOWED - time.time()))
    stage.await_as_before()
    ends, most = stage.ends(), allowed()
    late = {verb: ends.get(verb, 0.0) - fault.until for verb, fault in held.items()}
    wrong = {verb: f"{seconds:+.1f} s" for verb, seconds in late.items() if not -1 < seconds <= most}
    assert not wrong, f"not ended at its time: {wrong}"
    return {verb: f"{seconds:+.1f} s" for verb, seconds in late.items()}


def at_once_after(stage: Stage, moment: float) -> Seen:
    """See that all is as before, though no time has passed; return how long it took, by the hosts' own journals."""
    stage.await_as_before()
    ends = stage.ends()
    assert set(ends) == set(stage.rows)
    wrong = {verb: f"{ends[verb] - moment:+.1f} s" for verb in stage.rows if ends[verb] < moment}
    assert not wrong, f"it ended before: {wrong}"
    return {verb: f"{ends[verb] - moment:.1f} s" for verb in stage.rows}


def by_undo_verb(stage: Stage) -> Seen:
    stage.inject(FAR)
    moment = time.time()
    at_once(lambda verb: stage.cloud.perform(undoing(stage.action(verb, FAR))), stage.rows)
    return at_once_after(stage, moment)


def by_end_of_block(stage: Stage) -> Seen:
    """The block of oom begins when it is over, as its verb returns then."""
    begin, over = time.time(), threading.Event()

    def block(verb: str) -> None:
        with stage.cloud.injected(stage.action(verb, FAR)):
            over.wait(120)

    lasting = [verb for verb in stage.rows if verb != OOM]
    with ThreadPoolExecutor(max_workers=len(stage.rows)) as pool, stage.tamed(lasting):
        blocks = [pool.submit(block, verb) for verb in stage.rows]
        stage.await_shown(lasting)
        moment = time.time()
        over.set()
        for each in blocks:
            each.result(timeout=120)
    return {**at_once_after(stage, begin), **{verb: f"{stage.ends()[verb] - moment:.1f} s" for verb in lasting}}


def by_heal_from_elsewhere(stage: Stage) -> Seen:
    stage.inject(FAR)
    moment = time.time()
    directory = stage.config.parent
    done = Shell(directory).os_faults("heal", XDG_STATE_HOME=str(directory / "no memory"))
    assert done.status == 0, done.err
    return at_once_after(stage, moment)


def by_its_time(stage: Stage) -> Seen:
    return at_its_time(stage, stage.inject(stage.seconds()))


def by_ctrl_c(stage: Stage) -> Seen:
    return taken_back_after(stage, signal.SIGINT)


def by_cancel(stage: Stage) -> Seen:
    return taken_back_after(stage, signal.SIGUSR1)


def taken_back_after(stage: Stage, number: int) -> Seen:
    """Send a signal on which the controllers take back what they did."""
    with stage.crowd(FAR, pause=THERE, apart=True) as crowd:
        with stage.tamed(stage.rows):
            stage.await_shown(stage.rows)
        moment = time.time()
        crowd.signal(number)
        assert crowd.end() == 0
        return at_once_after(stage, moment)


def by_timeout(stage: Stage) -> Seen:
    playbooks = altered.playbooks(stage.config.parent / "lingering", altered.LINGERING)
    with stage.crowd(FAR, playbooks=str(playbooks), timeout=stage.seconds()) as crowd:
        with stage.tamed(stage.rows):
            stage.await_shown(stage.rows)
        moment = time.time()
        assert crowd.end() == 0
        return at_once_after(stage, moment)


def by_failure(stage: Stage) -> Seen:
    playbooks = altered.playbooks(stage.config.parent / "failing", altered.FAILING)
    moment = time.time()
    with stage.crowd(FAR, playbooks=str(playbooks)) as crowd:
        assert crowd.end() == 0, "a verb went well though its injection failed"
        return at_once_after(stage, moment)


def by_sigterm_and_reload(stage: Stage) -> Seen:
    def reload() -> None:
        stage.everywhere(lambda host: host.sh("systemctl daemon-reload && systemctl daemon-reexec"))

    return ended_without_controller(stage, signal.SIGTERM, after=reload, pause=THERE)


def by_sigkill_and_death_of_sshd(stage: Stage) -> Seen:
    def kill() -> None:
        stage.everywhere(lambda host: host.sh("pkill -KILL -x sshd", check=False))
        stage.everywhere(lambda host: wait_for(host.answers_ssh, f"{host.name} is reached again", 60))

    return ended_without_controller(stage, signal.SIGKILL, after=kill, pause=AFTER)


def by_sigkill_during(stage: Stage) -> Seen:
    """What a controller has begun on a host goes on there: the injections end when it is dead."""
    playbooks = altered.playbooks(stage.config.parent / "unfinished", altered.UNFINISHED)

    def in_the_middle() -> None:
        runs = {line for line in processes_with(str(playbooks)).values() if "ansible-playbook" in line}
        assert len(runs) == len(stage.rows), "a run has ended"
        states = stage.everywhere(lambda host: host.sh("cat /run/os-faults/*/state").split())
        assert all(set(found) == {"armed"} for found in states.values()), states

    def to_the_end() -> None:
        # The injection of oom is all of it.
        unfinished = "ls -d /run/os-faults/*/ | grep -v /oom- | while read -r it; do [ -e $it/began ] || echo $it; done"
        begun = f'[ -z "$({unfinished})" ]'
        stage.everywhere(lambda host: host.sh(f"touch {altered.MAY_END}"))
        stage.everywhere(lambda host: host.await_true(begun, "the injections have ended", 30))

    try:
        return ended_without_controller(stage, signal.SIGKILL, in_the_middle, to_the_end, playbooks=str(playbooks))
    finally:
        stage.everywhere(lambda host: host.sh(f"rm -f {altered.MAY_END}"))


def ended_without_controller(
    stage: Stage,
    number: int,
    before: Callable[[], None] = lambda: None,
    after: Callable[[], None] = lambda: None,
    **wish: str,
) -> Seen:
    """End the controllers by a signal, so that the hosts are left alone.

    Args:
        stage: with the hosts.
        number: of the signal.
        before: called when the faults are there, before the signal.
        after: called when the controllers have ended.
        wish: see `hostlab.crowd.Wish`.
    """
    with stage.crowd(stage.seconds() + 5, **wish) as crowd:
        with stage.tamed(stage.rows):
            held = stage.await_shown(stage.rows)
        before()
        crowd.signal(number)
        crowd.end()
    after()
    return at_its_time(stage, {**held, **stage.held()})


def by_cut_path(stage: Stage) -> Seen:
    """The network with ssh is the last to go; where it is cut, it is the row of disable_network itself."""
    seconds = stage.seconds()
    held = stage.inject(seconds, [verb for verb in stage.rows if verb != "disable_network"])
    everybody = stage.cloud.get_nodes()
    result = everybody.disable_network("management", heal_after=seconds)
    assert not any(host.answers_ssh() for host in stage.hosts.values())
    until = max(result[name].payload["until"] for name in result)
    held["disable_network"] = Held("node-1", "", until)
    time.sleep(max(0.0, until - time.time()))
    stage.everywhere(lambda host: wait_for(host.answers_ssh, f"{host.name} is reached again", 60))
    return at_its_time(stage, held)


def by_reboot(stage: Stage) -> Seen:
    return after_a_boot(stage, lambda host: host.sh("systemctl --no-block reboot", check=False))


def by_power(stage: Stage) -> Seen:
    def cycle(host: Host) -> None:
        host.lab.command("power", host.name, "off")
        host.lab.command("power", host.name, "on")

    return after_a_boot(stage, cycle)


def after_a_boot(stage: Stage, boot: Callable[[Host], object]) -> Seen:
    """Boot every host, and return how long each was up when it was seen to be as before."""
    stage.inject(FAR)
    boots = stage.everywhere(Host.boot_id)
    stage.everywhere(boot)
    stage.everywhere(lambda host: host.await_boot(boots[host.name], 90))
    stage.connect()
    stage.await_as_before()
    return dict.fromkeys(stage.rows, "yes")


WAYS: Mapping[tuple[str, ...], Way] = {
    ("undo verb",): by_undo_verb,
    ("end of block",): by_end_of_block,
    ("heal",): by_heal_from_elsewhere,
    ("time",): by_its_time,
    ("Ctrl-C",): by_ctrl_c,
    ("SIGTERM", "daemon-reload"): by_sigterm_and_reload,
    ("SIGKILL during",): by_sigkill_during,
    ("SIGKILL after", "sshd killed"): by_sigkill_and_death_of_sshd,
    ("run cancelled",): by_cancel,
    ("run timed out",): by_timeout,
    ("path cut",): by_cut_path,
    ("inject fails",): by_failure,
    ("reboot",): by_reboot,
    ("power",): by_power,
}
"""Columns → what happens in them. A fault that outlives two events at once, one on each side, outlives each of them."""
