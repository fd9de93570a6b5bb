"""Several actions in one run: their division into runs, the merged action, and the ``together`` block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from os_faults.errors import OSFError
from os_faults.model import Action, HostResult, Node, Result


class Together:
    """The actions of a ``with cloud.together()`` block and, after it, their results.

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
        """The actions of the block, in order."""
        return tuple(action for action, _ in self._noted)

    @property
    def results(self) -> tuple[Result, ...]:
        """The results of the actions, in the same order.

        Raises:
            OSFError: nothing was done yet.
        """
        if self._results is None:
            raise OSFError("nothing was done yet: a together block does what it names when it ends")
        return self._results

    def note(self, action: Action, check: bool) -> None:
        """Note an action.

        Args:
            action: the action.
            check: raise when the action did not succeed on every node.
        """
        self._noted.append((action, check))

    def done(self, results: tuple[Result, ...]) -> None:
        """Keep the results of the actions.

        Raises:
            OSFError: the error of the first action that did not succeed on every node.
        """
        self._results = results
        for result, (_, check) in zip(results, self._noted, strict=True):
            if check:
                result.raise_for_status()


class _NotYet(Mapping[str, HostResult]):
    """The nodes of a result that does not exist yet; every access raises."""

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
    """Return the result of an action that is not done yet; every access to its nodes raises an error."""
    return Result(action, _NotYet(action))


def in_runs(wanted: Sequence[Action]) -> list[tuple[Action, ...]]:
    """Return actions in order, divided into runs.

    An action from outside, one that cuts or restarts nodes, and one in check mode each have a run of their own: a later
    action in the same run would not reach the node, or would not be in check mode.

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
    """Return several actions as one merged action.

    Args:
        wanted: actions for one run; for the check of the guard rails, any actions.

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
    """Return for each node its first failure in several results, else its last result."""
    hosts: dict[str, HostResult] = {}
    for result in results:
        hosts.update({name: host for name, host in result.items() if name not in hosts or hosts[name].ok})
    return hosts
