"""Everything that os_faults raises, drawn as a tree.

::

    OSFException                          the root
    └── OSFError
        ├── ConfigError                   the configuration is wrong; names the key's path       exit 2
        │   ├── OSFDriverNotFound         no such driver; names the nearest
        │   └── OSFDriverWithSuchNameExists   two packages have a driver of this name
        ├── ArgumentError                 a verb was called with a bad argument                  exit 2
        ├── SentenceError                 a sentence is not understood; nothing was touched      exit 2
        ├── GuardRailError                a limit or a protection forbids it; nothing was touched  exit 2
        ├── CloudManagementError          the cloud can't be asked, or answered nonsense         exit 1
        ├── NodeCollectionError           no such node, an empty set, a pick that is too big     exit 2
        ├── ServiceError                  no such service, or nowhere to act on it               exit 2
        ├── ContainerError                no such container                                      exit 2
        ├── PowerManagementError          no driver knows the node's power                       exit 1
        ├── UndoError                     a fault could not be taken back (has ``.result``)      exit 5
        └── AnsibleExecutionException     a run did not do what was asked (has ``.result``)      exit 1
            ├── AnsibleExecutionUnreachable   no node of the run could be reached                exit 3
            ├── PartlyDone                    some nodes did it, others did not                  exit 4
            │   └── PartlyUnreachable         some did it, the others could not be reached       exit 4
            ├── NothingTargeted               the run matched no node at all                     exit 1
            └── RunTimeout                    the run did not end before its deadline            exit 1

Every message is a sentence for a person: what failed, on which node, why, what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os_faults.model import Result


class OSFException(Exception):
    """The root of all errors of os_faults.

    ``exit_code`` is what the command line ends with when the error reaches it.
    """

    exit_code: int = 1


class OSFError(OSFException):
    """An error that names what failed; the parent of every class below."""


class ConfigError(OSFError, ValueError):
    """The configuration is wrong; the message names the path of the key."""

    exit_code = 2


class OSFDriverNotFound(ConfigError):
    """No driver has this name; the message lists the nearest ones."""


class OSFDriverWithSuchNameExists(ConfigError):
    """Two packages give one name to different drivers; the message names both."""


class ArgumentError(OSFError, ValueError):
    """A verb was called with an argument that its contract refuses."""

    exit_code = 2


class SentenceError(OSFError, ValueError):
    """A sentence is not understood whole, so nothing was touched; the message says what was expected where.

    Args:
        message: the sentence for a person.
        place: the number of the word that nothing could be made of; 0 is the first.
    """

    exit_code = 2

    def __init__(self, message: str, place: int = 0) -> None:
        super().__init__(message)
        self.place = place


class GuardRailError(OSFError):
    """A guard rail forbids the action, so nothing was touched; the message says which, and what to do."""

    exit_code = 2


class CloudManagementError(OSFError):
    """The cloud could not be asked, or what it answered can't be used."""


class NodeCollectionError(OSFError, LookupError):
    """No such node, an empty set of nodes, or a pick larger than the set."""

    exit_code = 2


class ServiceError(OSFError, LookupError):
    """No such service, or no node where it could be acted on."""

    exit_code = 2


class ContainerError(OSFError, LookupError):
    """No such container."""

    exit_code = 2


class PowerManagementError(OSFError):
    """No power driver knows the node, or the power verb failed."""


class _WithResult(OSFError):
    """An error that carries the per-node evidence.

    Args:
        message: the sentence for a person.
        result: what happened on each node, where a run got that far.
    """

    def __init__(self, message: str, result: Result | None = None) -> None:
        super().__init__(message)
        self.result = result


class UndoError(_WithResult):
    """A fault is still there after its undo; ``.result`` says on which node and why."""

    exit_code = 5


class AnsibleExecutionException(_WithResult):
    """A run did not do what was asked; ``.result`` has one entry per node."""


class AnsibleExecutionUnreachable(AnsibleExecutionException):
    """No node of the run could be reached."""

    exit_code = 3


class PartlyDone(AnsibleExecutionException):
    """Some nodes did what was asked, others did not."""

    exit_code = 4


class PartlyUnreachable(PartlyDone, AnsibleExecutionUnreachable):
    """Some nodes did what was asked, and all others could not be reached."""


class NothingTargeted(AnsibleExecutionException):
    """The run matched no node, so nothing was done."""


class RunTimeout(AnsibleExecutionException):
    """The run did not end before its deadline and was stopped."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that offers the names nearest to ``word``.

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
