"""Results on stdout: text for people, JSON for programs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from os_faults.cli.terminal import say, say_json
from os_faults.system.text import printable

if TYPE_CHECKING:
    from os_faults.errors import OSFException
    from os_faults.model import HostResult, Result

SCHEMA = 1
"""Version of the JSON output; a change that could break a reader raises it."""


class Output:
    """Prints results, as text or JSON.

    Args:
        json: print one JSON document; else text.
    """

    def __init__(self, *, json: bool) -> None:
        self.json = json
        self._answered = False

    def document(self, **content: Any) -> None:
        """Print the one JSON document of this call."""
        self._answered = True
        say_json({"schema": SCHEMA, **content})

    def table(self, name: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], **more: Any) -> None:
        """Print rows: as a list of the JSON document, or as a table with some columns.

        Args:
            name: key of the list in the document.
            columns: the keys for the table, in order.
            rows: the rows; values are plain data.
            more: other keys of the document.
        """
        if self.json:
            self.document(**{name: list(rows)}, **more)
            return
        if rows:
            text_table(columns, [[_cell(row.get(column)) for column in columns] for row in rows])
        elif not more.get("error"):  # after an error, the absence of rows proves nothing
            say(f"no {name}", err=True)

    def listing(self, name: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], **more: Any) -> None:
        """Print rows as `table` does, but with a YAML list in place of a table; programs read it, too."""
        if self.json or not rows:
            self.table(name, columns, rows, **more)
            return
        import yaml

        shown = [{column: row.get(column) for column in columns} for row in rows]
        text = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)
        if not all(map(str.isprintable, text.splitlines())):
            text = yaml.safe_dump(shown, sort_keys=False)  # YAML escapes the other characters itself
        say(text, nl=False)

    def result(self, result: Result) -> None:
        """Print the result of each node."""
        if self.json:
            self.document(**result_document(result))
            return
        rows = [
            [host.node, host.status.value, "changed" if host.changed else "unchanged", _message(host)]
            for host in (result[name] for name in sorted(result))
        ]
        for line in aligned(rows):
            say(line)

    def results(self, results: Sequence[Result]) -> None:
        """Print the results of several actions."""
        if len(results) == 1:
            self.result(results[0])
        elif self.json:
            self.document(actions=[result_document(result) for result in results])
        else:
            for result in results:
                say(f"{result.action}:")
                self.result(result)

    def error(self, error: OSFException) -> None:
        """Print an error: a sentence on stderr, and with JSON a document if there was none yet."""
        for line in str(error).splitlines():
            say(f"os-faults: {line}", err=True)
        if self.json and not self._answered:
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
            for host in (result[name] for name in sorted(result))
        ],
    }


def _failure_of(result: Result) -> dict[str, Any] | None:
    from os_faults.errors import OSFException

    try:
        result.raise_for_status()
    except OSFException as error:
        return {"type": type(error).__name__, "message": str(error), "exit_code": error.exit_code}
    return None


def _message(host: HostResult) -> str:
    """Return the message of a node for people: the module's message, the undone faults, the end of a fault."""
    notes = [host.message, *host.payload.get("notes", ())]
    if undone := host.payload.get("undone"):
        notes.append(f"took back {', '.join(undone)}")
    if (until := host.payload.get("until")) and host.payload.get("state") in ("armed", "injected"):
        notes.append(f"ends by itself at {time.strftime('%H:%M:%S', time.localtime(until))}")
    return printable("; ".join(" ".join(str(part).split()) for part in notes if part))


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, (list, tuple)):
        return printable(", ".join(map(str, value))) or "-"
    return printable(str(value))


def text_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: with rich on a terminal, as aligned text elsewhere."""
    heads = [column.replace("_", " ") for column in columns]
    if not sys.stdout.isatty():
        for line in aligned([[head.upper() for head in heads], *rows]):
            say(line)
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return rows as lines with aligned columns.

    Example:
        >>> aligned([["a", "b"], ["long", "c"]])
        ['a     b', 'long  c']
    """
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
