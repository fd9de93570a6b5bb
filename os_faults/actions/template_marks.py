"""Refuses text that Ansible would evaluate on the controller, in actions and inventories."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_MARK = re.compile(r"\{[{%#]")


def marked(value: Any, where: str, harmless: type[Any] | tuple[type[Any], ...] = ()) -> Iterator[str]:
    """Yield a sentence for each text in a value that Ansible would evaluate.

    Args:
        value: a text, or lists and mappings of texts; keys are checked too.
        where: path of the value, the beginning of each sentence.
        harmless: types of texts that Ansible never gets.

    Example:
        >>> list(marked({"path": ["{{ 6 * 7 }}"]}, "fill_disk"))
        ["fill_disk.path: '{{ 6 * 7 }}' is a template for Ansible: '{{', '{%' and '{#' are not allowed"]
    """
    if harmless and isinstance(value, harmless):
        return
    if isinstance(value, str):
        if _MARK.search(value):
            yield f"{where}: {value!r} is a template for Ansible: '{{{{', '{{%' and '{{#' are not allowed"
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from marked(str(key), where, harmless)
            yield from marked(item, f"{where}.{key}", harmless)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from marked(item, where, harmless)
