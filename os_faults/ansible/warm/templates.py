"""Compiles the templates of the playbooks once, before any run.

A task has a dozen arguments, each a template. Ansible compiles each of them again for every host, in a process that
ends with the task: a third of the CPU time of a host in a run. Runs inherit the compiled templates of the server.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import yaml


def compile_beforehand(playbooks: Path, kept: Path | None = None) -> int:
    """Compile the templates in a directory of playbooks, and let Ansible use them; return their number.

    Ansible has no hook for this. It is done at the one method of Jinja that all templates pass. Ansible itself compiles
    a template that is not known, or is compiled in an unusual way.

    Args:
        playbooks: the directory; YAML files below it are read.
        kept: the file with what was compiled before of the same playbooks by the same Python and Ansible; it is
            written if there is none. Only this user may be able to change it.

    Raises:
        Exception: this version of Ansible has another structure; nothing is changed then.
    """
    from ansible._internal._templating._engine import TemplateEngine, TemplateOptions
    from ansible._internal._templating._jinja_bits import AnsibleEnvironment
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import filter_loader

    filter_loader.add_directory(str(playbooks / "filter_plugins"))  # a template with an unknown filter does not compile
    compiled = _read(kept)
    ansibles_own = AnsibleEnvironment.compile

    def collect(environment: Any, source: Any, *args: Any, **options: Any) -> Any:
        code = ansibles_own(environment, source, *args, **options)
        if _is_usual(environment, source, args, options):
            compiled[str(source)] = code
        return code

    def recall(environment: Any, source: Any, *args: Any, **options: Any) -> Any:
        code = compiled.get(source) if _is_usual(environment, source, args, options) else None
        return ansibles_own(environment, source, *args, **options) if code is None else code

    if not compiled:
        engine = TemplateEngine(loader=DataLoader(), variables={})
        AnsibleEnvironment.compile = collect
        try:
            for template in templates(playbooks):
                engine._compile_template(template, TemplateOptions.DEFAULT)
        except BaseException:
            AnsibleEnvironment.compile = ansibles_own
            raise
        _write(kept, compiled)
    AnsibleEnvironment.compile = recall
    return len(compiled)


def _read(kept: Path | None) -> dict[str, CodeType]:
    """Return the compiled templates in a file; none if there is no such file, or it is damaged."""
    try:
        found = marshal.loads(kept.read_bytes()) if kept else {}  # noqa: S302 - of this user
        return {str(source): code for source, code in found.items() if isinstance(code, CodeType)}
    except (OSError, EOFError, ValueError, TypeError, AttributeError):
        return {}


def _write(kept: Path | None, compiled: dict[str, CodeType]) -> None:
    """Keep the compiled templates for the next process, whole or not at all."""
    if not kept:
        return
    fresh = kept.with_name(f".{kept.name}.{os.getpid()}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(marshal.dumps(compiled))
        fresh.replace(kept)
    except OSError:  # as on a full disk
        fresh.unlink(missing_ok=True)


def templates(playbooks: Path) -> set[str]:
    """Return every template in the YAML files of a directory.

    Args:
        playbooks: the directory; its subdirectories are searched, too.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    files = sorted(playbooks.rglob("*.yml"))
    found = (text for path in files for text in _strings(yaml.load(path.read_bytes(), loader)))  # noqa: S506 - is safe
    return {text for text in found if "{{" in text}


def _is_usual(environment: Any, source: Any, args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Return whether a template is compiled in the usual way; a backslash has two meanings, so it is unusual."""
    return not args and not options and not environment.overlayed and isinstance(source, str) and "\\" not in source


def _strings(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, (dict, list)):
        for part in content.values() if isinstance(content, dict) else content:
            yield from _strings(part)
