"""Templates of the playbooks that are compiled once, before any run.

A task has a dozen arguments, each a template, and Ansible compiles every one anew for every host, in a process that
ends with the task: a third of the CPU time that a host costs a run. What the server has compiled, its runs inherit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import yaml


def compile_beforehand(playbooks: Path) -> int:
    """Compile what is a template in a directory of playbooks, and let Ansible use it; return how many there are.

    Ansible has no hook for this: it is done at the one method of Jinja that all templates pass. A template that is
    not known, or is to be compiled in another way than usual, takes Ansible's own path.

    Args:
        playbooks: the directory; files of YAML below it are read.

    Raises:
        Exception: this Ansible is not made as it is expected to be; nothing is changed then.
    """
    from ansible._internal._templating._engine import TemplateEngine, TemplateOptions
    from ansible._internal._templating._jinja_bits import AnsibleEnvironment
    from ansible.parsing.dataloader import DataLoader

    compiled: dict[str, CodeType] = {}
    ansibles_own = AnsibleEnvironment.compile

    def collect(environment: Any, source: Any, *args: Any, **options: Any) -> Any:
        code = ansibles_own(environment, source, *args, **options)
        if _is_usual(environment, source, args, options):
            compiled[str(source)] = code
        return code

    def recall(environment: Any, source: Any, *args: Any, **options: Any) -> Any:
        code = compiled.get(source) if _is_usual(environment, source, args, options) else None
        return ansibles_own(environment, source, *args, **options) if code is None else code

    engine = TemplateEngine(loader=DataLoader(), variables={})
    AnsibleEnvironment.compile = collect
    try:
        for template in templates(playbooks):
            engine._compile_template(template, TemplateOptions.DEFAULT)
    except BaseException:
        AnsibleEnvironment.compile = ansibles_own
        raise
    AnsibleEnvironment.compile = recall
    return len(compiled)


def templates(playbooks: Path) -> set[str]:
    """Return every string in the files of YAML of a directory that is a template.

    Args:
        playbooks: the directory; directories below it are searched too.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    files = sorted(playbooks.rglob("*.yml"))
    found = (text for path in files for text in _strings(yaml.load(path.read_bytes(), loader)))  # noqa: S506 - is safe
    return {text for text in found if "{{" in text}


def _is_usual(environment: Any, source: Any, args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Whether a template is compiled as most are; a backslash may be read in two ways."""
    return not args and not options and not environment.overlayed and isinstance(source, str) and "\\" not in source


def _strings(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, (dict, list)):
        for part in content.values() if isinstance(content, dict) else content:
            yield from _strings(part)
