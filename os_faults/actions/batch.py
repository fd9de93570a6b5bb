"""Several actions in one run: which may share one, what that run is, and the block in which callers name them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from os_faults.errors import OSFError
from os_faults.model import Action, HostResult, Node, Result


class Together:
    """What a ``with cloud.together()`` block was asked for, and after it what became of each.

    Example:
        >>> with cloud.together() as several:
        ...     cloud.get_service("keystone").restart()
        ...     cloud.get_service("memcached").kill()
        >>> [result.changed for result in several.results]
        [True, True]
    """

    def __init__(self) -> None:
        self._noted: list[tuple[Action, bool]] = []
        self._results: tuple[Result, ...] | None = None

    @property
    def actions(self) -> tuple[Action, ...]:
        """What the block was asked for, in order."""
        return tuple(action for action, _ in self._noted)

    @property
    def results(self) -> tuple[Result, ...]:
        """What became of each action, in the same order.

        Raises:
            OSFError: nothing was done yet.
        """
        if self._results is None:
            raise OSFError("nothing was done yet: a together block does what it names when it ends")
        return self._results

    def note(self, action: Action, check: bool) -> None:
        """Take note of an action.

        Args:
            action: what to do.
            check: raise when it was not achieved on every node.
        """
        self._noted.append((action, check))

    def done(self, results: tuple[Result, ...]) -> None:
        """Keep what became of the actions.

        Raises:
            OSFError: an action was not achieved on every node; the first that was not.
        """
        self._results = results
        for result, (_, check) in zip(results, self._noted, strict=True):
            if check:
                result.raise_for_status()


class _NotYet(Mapping[str, HostResult]):
    """The nodes of a result that nobody has yet."""

    def __init__(self, action: Action) -> None:
        self._action = action

    def __getitem__(self, node: str) -> HostResult:
        raise self._refusal()

    def __iter__(self) -> Iterator[str]:
        raise self._refusal()

    def __len__(self) -> int:
        raise self._refusal()

    def _refusal(self) -> OSFError:
        return OSFError(
            f"{self._action}: was not done yet; a together block does what it names when it ends, "
            "and then its `results` tell"
        )


def pending(action: Action) -> Result:
    """Return the result of an action that is not done yet: it says so to everybody who looks at it."""
    return Result(action, _NotYet(action))


def in_runs(wanted: Sequence[Action]) -> list[tuple[Action, ...]]:
    """Return actions in order, those together that one run can do.

    What is done to machines from outside, what cuts or restarts nodes, and what only pretends, has a run of its own:
    what follows in the same run would not find the node, or would not pretend.

    Example:
        >>> [len(run) for run in in_runs([restart, kill, reboot, restart])]
        [2, 1, 1]
    """
    runs: list[tuple[Action, ...]] = []
    for alone, group in groupby(wanted, _is_alone):
        actions = tuple(group)
        runs += [(action,) for action in actions] if alone else [actions]
    return runs


def _is_alone(action: Action) -> bool:
    return action.from_outside or action.breaks_connections or action.check_mode


def merged(wanted: Sequence[Action]) -> Action:
    """Return the one action that several are.

    Args:
        wanted: actions that a run can do, or, to ask what they break, any.

    Example:
        >>> str(merged([restart, kill]))
        'do together: restart keystone service, kill memcached service'
    """
    nodes: dict[Node, None] = {node: None for action in wanted for node in action.nodes}
    return Action(
        verb="do",
        playbook="",
        nodes=tuple(nodes),
        arguments={"force": True} if all(action.arguments.get("force") for action in wanted) else {},
        subject="together: " + ", ".join(map(str, wanted)),
        timeout=sum(action.timeout for action in wanted),
        breaks=any(action.breaks for action in wanted),
        parts=tuple(wanted),
    )


def combined(results: Sequence[Result]) -> dict[str, HostResult]:
    """Return for each node of several results the first that failed, else the last."""
    hosts: dict[str, HostResult] = {}
    for result in results:
        hosts.update({name: host for name, host in result.items() if name not in hosts or hosts[name].ok})
    return hosts
