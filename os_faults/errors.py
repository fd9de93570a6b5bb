"""Every error of os_faults, drawn as a tree.

::

    OSFException                          the root
    └── OSFError
        ├── ConfigError                   the configuration is wrong; has the path of the key    exit 2
        │   ├── OSFDriverNotFound         no such driver; has the nearest names
        │   └── OSFDriverWithSuchNameExists   two packages have a driver of this name
        ├── ArgumentError                 an argument of a verb is wrong                         exit 2
        ├── SentenceError                 a sentence is not understood; nothing was touched      exit 2
        ├── GuardRailError                a limit or a protection forbids it; nothing was touched  exit 2
        ├── CloudManagementError          the cloud can't be asked, or its answer is nonsense    exit 1
        ├── NodeCollectionError           no such node, an empty set, a pick that is too big     exit 2
        ├── ServiceError                  no such service, or no node with it                    exit 2
        ├── ContainerError                no such container                                      exit 2
        ├── PowerManagementError          no driver knows the node's power; nothing was touched  exit 2
        ├── UndoError                     a fault could not be undone (has ``.result``)          exit 5
        └── AnsibleExecutionException     an action failed (has ``.result``)                     exit 1
            ├── AnsibleExecutionUnreachable   no node of the run could be reached                exit 3
            ├── PartlyDone                    some nodes did it, others did not                  exit 4
            │   └── PartlyUnreachable         some did it, the others could not be reached       exit 4
            ├── NothingTargeted               the run matched no node at all                     exit 1
            └── RunTimeout                    the run did not end before its deadline            exit 1

Every message is a sentence for a person: the failure, the node, the reason, the remedy.

An error of a verb that failed on the nodes is also caught by the class of its subject, as in versions before 1.0:
``ServiceError``, ``ContainerError``, or ``PowerManagementError`` for a verb of power.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os_faults.model import Result


class OSFException(Exception):
    """The root of all errors of os_faults.

    ``exit_code`` is the exit code of the command line for this error.
    """

    exit_code: int = 1


class OSFError(OSFException):
    """The parent of all other errors; the message names the failure."""


class ConfigError(OSFError, ValueError):
    """The configuration is wrong; the message names the path of the key."""

    exit_code = 2


class OSFDriverNotFound(ConfigError):
    """No driver has this name; the message lists the nearest names."""


class OSFDriverWithSuchNameExists(ConfigError):
    """Two packages give the same name to different drivers; the message names both."""


class ArgumentError(OSFError, ValueError):
    """The contract of a verb refuses an argument."""

    exit_code = 2


class SentenceError(OSFError, ValueError):
    """A sentence is not fully understood, so nothing was touched; the message has the word and the expected ones.

    Args:
        message: the sentence for a person.
        place: position of the first word that is not understood; 0 is the first word.
        expected: what was expected there: words in quotes, descriptions without.
    """

    exit_code = 2

    def __init__(self, message: str, place: int = 0, expected: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.place = place
        self.expected = tuple(expected)


class GuardRailError(OSFError):
    """A guard rail forbids the action, so nothing was touched; the message has the guard rail and the remedy."""

    exit_code = 2


class CloudManagementError(OSFError):
    """The cloud could not be asked, or its answer can't be used."""


class NodeCollectionError(OSFError, LookupError):
    """No such node, an empty set of nodes, or a pick larger than the set."""

    exit_code = 2


class ServiceError(OSFError, LookupError):
    """No such service, no node with it, or a verb of a service failed."""

    exit_code = 2


class ContainerError(OSFError, LookupError):
    """No such container, or a verb of a container failed."""

    exit_code = 2


class PowerManagementError(OSFError):
    """The machine of a node is not known for sure, its power driver can't do the verb, or a verb of power failed."""

    exit_code = 2


class _WithResult(OSFError):
    """An error with the result of each node.

    Args:
        message: the sentence for a person.
        result: the result of each node, if the run got that far.
    """

    def __init__(self, message: str, result: Result | None = None) -> None:
        super().__init__(message)
        self.result = result


class UndoError(_WithResult):
    """A fault is still there after its undo; ``.result`` has the node and the reason."""

    exit_code = 5


class AnsibleExecutionException(_WithResult):
    """An action failed; ``.result`` has one entry per node."""


class AnsibleExecutionUnreachable(AnsibleExecutionException):
    """No node of the run could be reached."""

    exit_code = 3


class PartlyDone(AnsibleExecutionException):
    """An action succeeded on some nodes and failed on others."""

    exit_code = 4


class PartlyUnreachable(PartlyDone, AnsibleExecutionUnreachable):
    """An action succeeded on some nodes, and all others could not be reached."""


class NothingTargeted(AnsibleExecutionException):
    """The run matched no node, so nothing was done."""


class RunTimeout(AnsibleExecutionException):
    """The run did not end before its deadline and was stopped."""


def of_both(error: type[_WithResult], family: type[OSFError]) -> type[_WithResult]:
    """Return a class of errors that is caught as either of two; name, message and exit code are those of the first.

    Example:
        >>> error = of_both(PartlyDone, ServiceError)("restart keystone service: node-1 failed")
        >>> isinstance(error, ServiceError), type(error).__name__, error.exit_code
        (True, 'PartlyDone', 4)
    """
    members = {
        "__doc__": error.__doc__,
        "__module__": __name__,
        "exit_code": error.exit_code,
        "__reduce__": lambda self: (_again, (error, family, str(self), self.result)),
    }
    return type(error.__name__, (error, family), members)


def _again(error: type[_WithResult], family: type[OSFError], message: str, result: Result | None) -> _WithResult:
    return of_both(error, family)(message, result)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence, with the names nearest to ``word``.

    Example:
        >>> did_you_mean("keystne", ["keystone", "mysql"])
        "did you mean 'keystone'? known: keystone, mysql"
        >>> did_you_mean("x", [])
        'none is known'
    """
    names = sorted(known)
    if not names:
        return "none is known"
    near = get_close_matches(word, names, n=2, cutoff=0.6)
    hint = "did you mean " + " or ".join(f"'{name}'" for name in near) + "? " if near else ""
    return f"{hint}known: {', '.join(names)}"
