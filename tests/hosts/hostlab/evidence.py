"""What was seen on the hosts, verb by verb: the closing table of this tier."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Evidence:
    """Collects, per verb, how its effect was seen on a host and how the host was found afterwards."""

    effects: dict[str, list[str]] = field(default_factory=dict)
    undoings: dict[str, list[str]] = field(default_factory=dict)

    def seen(self, verb: str, how: str) -> None:
        """The effect of a verb was seen on the host, in few words."""
        self.effects.setdefault(verb, []).append(how)

    def undone(self, verb: str, how: str) -> None:
        """The host was found as it was before the verb, in few words."""
        self.undoings.setdefault(verb, []).append(how)

    def missing(self, verbs: Iterable[str]) -> list[str]:
        """Return what has not been shown, a sentence each."""
        return [
            f"{verb}: {what}"
            for verb in verbs
            for what, shown in (("not seen on a host", self.effects), ("not seen undone", self.undoings))
            if not shown.get(verb)
        ]

    def table(self, verbs: Iterable[str]) -> list[str]:
        """Return the lines of the closing table."""
        rows = [("verb", "seen on the host", "undone, host as before")]
        rows += [(verb, _cell(self.effects.get(verb)), _cell(self.undoings.get(verb))) for verb in verbs]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        rows.insert(1, tuple("-" * width for width in widths))  # type: ignore[arg-type]
        return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _cell(shown: list[str] | None) -> str:
    if not shown:
        return "MISSING"
    more = f" (and {len(shown) - 1} more)" if len(shown) > 1 else ""
    return f"{shown[0]}{more}"
