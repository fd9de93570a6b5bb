"""Results on stdout: text for people, a JSON or YAML document for programs."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from os_faults.cli import tables
from os_faults.cli.terminal import say, say_document
from os_faults.system.text import aligned, printable

if TYPE_CHECKING:
    from os_faults.errors import OSFException
    from os_faults.model import Result

SCHEMA = 1
"""Version of the documents; a change that could break a reader raises it."""


class Output:
    """Prints results, as text or as one document.

    Args:
        form: ``text``, or ``json`` or ``yaml`` for a document.
    """

    def __init__(self, form: str) -> None:
        self._form = form
        self._answered = False

    @property
    def is_document(self) -> bool:
        """Whether the output is one document for programs."""
        return self._form != "text"

    def document(self, **content: Any) -> None:
        """Print the one document of this call."""
        self._answered = True
        say_document({"schema": SCHEMA, **content}, self._form)

    def table(
        self,
        name: str,
        columns: Sequence[str],
        rows: Sequence[Mapping[str, Any]],
        wide: Container[str] = (),
        **more: Any,
    ) -> None:
        """Print rows: as a list of the document, or as a table with some columns.

        Args:
            name: key of the list in the document.
            columns: the keys for the table, in order.
            rows: the rows; values are plain data.
            wide: the columns that a narrow terminal does not show.
            more: other keys of the document.
        """
        if self.is_document:
            self.document(**{name: list(rows)}, **more)
        elif rows:
            shown = [column for column in columns if column not in wide or not tables.is_narrow()]
            tables.show(shown, [[_cell(row.get(column)) for column in shown] for row in rows])
        elif not more.get("error"):  # after an error, the absence of rows proves nothing
            say(f"no {name}", err=True)

    def listing(self, name: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], **more: Any) -> None:
        """Print rows as `table` does; outside a terminal, where programs read them, as a YAML list."""
        if self.is_document or not rows or tables.is_terminal():
            self.table(name, columns, rows, **more)
        else:
            say_document([{column: row.get(column) for column in columns} for row in rows], "yaml")

    def result(self, result: Result) -> None:
        """Print the result of each node."""
        if self.is_document:
            self.document(**result_document(result))
            return
        for line in aligned(result.rows):
            say(line)

    def results(self, results: Sequence[Result]) -> None:
        """Print the results of several actions."""
        if len(results) == 1:
            self.result(results[0])
        elif self.is_document:
            self.document(actions=[result_document(result) for result in results])
        else:
            for result in results:
                say(f"{result.action}:")
                self.result(result)

    def error(self, error: OSFException) -> None:
        """Print an error: a sentence on stderr, and a document if there was none yet."""
        for line in str(error).splitlines():
            say(f"os-faults: {line}", err=True)
        run = getattr(getattr(error, "result", None), "artifacts", None)
        if run:
            say(f"os-faults: all of the run is in {run}", err=True)
        if self.is_document and not self._answered:
            found = getattr(error, "result", None)
            about = {"type": type(error).__name__, "message": str(error), "exit_code": error.exit_code}
            self.document(**{**(result_document(found) if found is not None else {}), "error": about})


def result_document(result: Result) -> dict[str, Any]:
    """Return a result as plain data."""
    failure = _failure_of(result)
    return {
        "verb": result.action.verb,
        "subject": result.action.subject,
        "playbook": result.action.playbook,
        "arguments": dict(result.action.arguments),
        "done": failure is None,
        "error": failure,
        "changed": result.changed,
        "seconds": round(result.seconds, 3),
        "cost": asdict(result.cost) if result.cost else None,
        "artifacts": result.artifacts,
        "nodes": [
            {
                "node": host.node,
                "status": host.status.value,
                "changed": host.changed,
                "message": host.message,
                "notes": list(host.payload.get("notes", ())),
                "detail": {name: value for name, value in host.payload.items() if name != "notes"},
            }
            for host in (result.hosts[name] for name in result)
        ],
    }


def _failure_of(result: Result) -> dict[str, Any] | None:
    from os_faults.errors import OSFException

    try:
        result.raise_for_status()
    except OSFException as error:
        return {"type": type(error).__name__, "message": str(error), "exit_code": error.exit_code}
    return None


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, (list, tuple)):
        return printable(", ".join(map(str, value))) or "-"
    return printable(str(value))
