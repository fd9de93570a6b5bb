"""Pages that grow from the code: contracts, module documentation, drivers, errors and the command line.

Nothing generated is committed, but for the records of the two matrices, which take a lab; each directive reads its
source while Sphinx builds. What is missing at the source (an undocumented driver, a contract without a description) is
an error of the build.
"""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.util.docutils import SphinxDirective

from os_faults.actions.contract import AT

ROOT = Path(__file__).parents[2]
PLAYBOOKS = ROOT / "playbooks"
MODULES = ROOT / "ansible_modules"
CRASH_MATRIX = ROOT / "docs" / "reference" / "crash-matrix.json"
HOST_MATRIX = ROOT / "docs" / "reference" / "host-matrix.json"
JSON_FIELDS = ROOT / "docs" / "reference" / "json-fields.yml"
#: Arguments of every verb that breaks something; the page of the verbs explains them once.
COMMON = ("at", "force", "heal_after", "limit", "seconds", "timeout")


def text_of(value: str | list[str] | None) -> str:
    """Return a description as one paragraph per item, with Ansible's markup as reStructuredText."""
    paragraphs = [value] if isinstance(value, str) else value or []
    return "\n\n".join(_markup(" ".join(str(paragraph).split())) for paragraph in paragraphs)


def _markup(text: str) -> str:
    r"""Turn Ansible's markup into reStructuredText.

    >>> _markup("C(x) and O(seconds=3) of M(ansible.builtin.command)")
    '``x`` and ``seconds=3`` of ``ansible.builtin.command``'
    """
    out, rest = [], text
    while rest:
        start = min((at for at in (rest.find(f"{letter}(") for letter in "CMOVEIBU") if at >= 0), default=-1)
        end = rest.find(")", start)
        if start < 0 or end < 0:
            break
        if start and rest[start - 1].isalnum():  # not markup: the end of a word before a parenthesis
            out.append(rest[: start + 2])
            rest = rest[start + 2 :]
            continue
        out += [rest[:start], f"``{rest[start + 2 : end]}``"]
        rest = rest[end + 1 :]
        if rest and rest[0].isalnum():
            out.append("\\ ")
    return "".join(out) + rest


class Page:
    """Lines of reStructuredText."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def title(self, text: str, under: str) -> None:
        self.lines += ["", text, under * len(text), ""]

    def text(self, text: str) -> None:
        self.lines += ["", *text.splitlines(), ""]

    def code(self, text: str, language: str) -> None:
        body = [f"   {line}".rstrip() for line in text.strip("\n").splitlines()]
        self.lines += ["", f".. code-block:: {language}", "", *body, ""]

    def table(self, head: list[str], rows: list[list[str]]) -> None:
        if not rows:
            return
        self.lines += ["", ".. list-table::", "   :header-rows: 1", ""]
        for row in [head, *rows]:
            for at, cell in enumerate(row):
                first, *others = cell.splitlines() or [""]
                self.lines.append(f"   {'* -' if at == 0 else '  -'} {first}".rstrip())
                self.lines += [f"       {line}".rstrip() for line in others]
        self.lines.append("")

    def __str__(self) -> str:
        return "\n".join(self.lines)


def _option_rows(
    options: dict[str, Any], nested: str, lead: str = "", only_for: dict[str, list[str]] | None = None
) -> list[list[str]]:
    rows = []
    for name, option in options.items():
        facts = [option.get("type", "str") + (f" of {option['elements']}" if option.get("elements") else "")]
        if option.get("required"):
            facts.append("required")
        if option.get("default") is not None:
            facts.append(f"default ``{option['default']}``")
        if verbs := (only_for or {}).get(name):
            facts.append("for " + " and ".join(f"``{verb}``" for verb in verbs))
        about = text_of(option.get("description"))
        if option.get("choices"):
            about += "\n\nOne of " + ", ".join(f"``{choice}``" for choice in option["choices"]) + "."
        rows.append([f"``{lead}{name}``", ", ".join(facts), about])
        rows += _option_rows(option.get(nested) or {}, nested, f"{lead}{name}.")
    return rows


def playbooks() -> str:
    """Return the page of the playbooks, from their contracts."""
    page = Page()
    for path in sorted(PLAYBOOKS.glob("*.meta.yml")):
        name = path.name.removesuffix(".meta.yml")
        meta = yaml.safe_load(path.read_text())
        spec = meta["argument_specs"][name]
        page.lines += ["", f".. _playbook-{name}:"]
        page.title(f"{name}.yml", "-")
        page.text(text_of(meta["description"]))
        page.text(text_of(spec.get("description")))
        undone_by = spec.get("undone_by", {})
        rows = [
            [f"``{verb}``", text_of(help_text), f"``{undone_by[verb]}``" if verb in undone_by else ""]
            for verb, help_text in spec.get("verbs", {}).items()
        ]
        page.table([f"Verb ({spec['subject']})", "What it does", "Undone by"], rows)
        options, only_for = spec["options"], spec.get("only_for", {})
        if with_start_time := spec.get("takes_start_time"):
            shared = {"type": AT.type, "description": f"{AT.description}."}
            options, only_for = {**options, AT.name: shared}, {**only_for, AT.name: with_start_time}
        rows = _option_rows(options, "options", only_for=only_for)
        page.table(["Option", "Type", "Meaning"], rows)
        page.code(spec["examples"], "sh")
    return str(page)


def _constants(path: Path) -> dict[str, str]:
    """Return the string constants of a module file without running it."""
    tree = ast.parse(path.read_text())
    return {
        statement.targets[0].id: statement.value.value
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    }


def modules() -> str:
    """Return the page of the Ansible modules, from their DOCUMENTATION."""
    page = Page()
    for path in sorted(MODULES.glob("osf_*.py")):
        texts = _constants(path)
        doc = yaml.safe_load(texts["DOCUMENTATION"])
        page.title(doc["module"], "-")
        page.text(f"*{text_of(doc['short_description'])}.*")
        page.text(text_of(doc["description"]))
        page.table(["Option", "Type", "Meaning"], _option_rows(doc.get("options") or {}, "suboptions"))
        returned = yaml.safe_load(texts["RETURN"]) or {}
        rows = [
            [f"``{name}``", value["type"], text_of(value["description"]) + f"\n\nReturned: {value['returned']}."]
            for name, value in returned.items()
        ]
        page.table(["Returns", "Type", "Meaning"], rows)
        page.code(texts["EXAMPLES"], "yaml")
    return str(page)


def driver(kind: str, name: str) -> str:
    """Return the page of a driver: the docstring of the class that the entry point names."""
    (point,) = entry_points(group=f"os_faults.{kind}", name=name)
    doc = inspect.getdoc(point.load())
    if not doc:
        raise ValueError(f"the {kind} driver {name} has no docstring")
    return str(GoogleDocstring(doc, Config(napoleon_use_ivar=True)))


def errors() -> str:
    """Return the tree of errors, from the docstring that draws it."""
    from os_faults import errors as module

    return inspect.cleandoc(module.__doc__ or "")


def command_line() -> str:
    """Return the help of every command, as the command line prints it."""
    from os_faults.cli import inject_fault, main

    page = Page()

    def add(command: click.Command, name: str, parent: click.Context | None) -> None:
        width = {"terminal_width": 80, "max_content_width": 80}
        context = click.Context(command, info_name=name, parent=parent, **{**command.context_settings, **width})
        page.title(context.command_path, "-")
        page.code(command.get_help(context), "text")
        if isinstance(command, click.Group):
            for word in command.list_commands(context):
                inner = command.get_command(context, word)
                if inner is not None and not inner.hidden:
                    add(inner, word, context)

    add(main, "os-faults", None)
    add(inject_fault, "os-inject-fault", None)
    return str(page)


def sentences() -> str:
    """Return the table of all that can be said, from the grammar."""
    from os_faults.human import forms

    page = Page()
    rows = [
        [
            f"``{form.verb}``",
            form.kind,
            f"``{form.time}``" if form.time else "",
            ", ".join(f"``{name}``" + (" (required)" if name in form.required else "") for name in form.options),
        ]
        for form in sorted(forms(), key=lambda form: (form.kind, form.verb))
    ]
    page.table(["Verb", "Done to a", "``for`` sets", "Options"], rows)
    return str(page)


def services() -> str:
    """Return the page of the services that os_faults knows, from the catalogues of the clouds."""
    from os_faults.registry import get, present_names
    from os_faults.resources import catalogue

    page = Page()
    for name in present_names("cloud"):
        driver = get("cloud", name)
        if driver.catalogue is None:
            continue
        page.title(name, "-")
        entries = catalogue(driver.catalogue)
        page.text(f"{driver.DESCRIPTION}: {len(entries)} services.")
        rows = [
            [f"``{service}``", _codes(entry.get("aliases", ())), _handles(entry), _ports(entry)]
            for service, entry in sorted(entries.items())
        ]
        page.table(["Service", "Other names", "Found as", "Ports"], rows)
    return str(page)


def _codes(words: Iterable[str]) -> str:
    return ", ".join(f"``{word}``" for word in words)


def _handles(entry: Mapping[str, Any]) -> str:
    """Return how a service is found: its driver, and its units, container, or other handle."""
    others = ("driver", "aliases", "ports")
    values = [value for key, value in entry.items() if key not in others]
    words = [str(word) for value in values for word in (value if isinstance(value, list) else [value])]
    return f"{entry['driver']}: {_codes(words)}" if words else str(entry["driver"])


def _ports(entry: Mapping[str, Any]) -> str:
    return ", ".join("/".join(map(str, port)) for port in entry.get("ports", ()))


def verbs() -> str:
    """Return the page of the verbs, from the contracts."""
    from os_faults.actions import contracts

    page = Page()
    for subject, title in (("service", "Services"), ("container", "Containers"), ("node", "Nodes")):
        page.title(title, "-")
        found = [
            (contract, verb)
            for contract in contracts().values()
            if contract.subject == subject and contract.verbs_from and not contract.read_only
            for verb in contract.verbs
        ]
        rows = [
            [
                f"``{verb.name}``",
                text_of(verb.help),
                f"``{undo}``" if (undo := contract.undo_of(verb.name)) else "",
                _codes(word for word in contract.words(verb.name) if word not in COMMON),
                f":ref:`{contract.playbook} <playbook-{contract.playbook.removesuffix('.yml')}>`",
            ]
            for contract, verb in found
        ]
        page.table(["Verb", "What it does", "Undone by", "Its arguments", "Playbook"], rows)
    return str(page)


def json_fields() -> str:
    """Return the page of the documents that commands print, from the file that a test compares with them."""
    page = Page()
    for document in yaml.safe_load(JSON_FIELDS.read_text(encoding="utf-8")):
        page.title(document["title"], "-")
        page.text(document["about"])
        rows = [
            [f"``{path}``", field["type"], field["about"] + (" (not always there)" if field.get("sometimes") else "")]
            for path, field in document["fields"].items()
        ]
        page.table(["Field", "Type", "Meaning"], rows)
    return str(page)


def older_drivers() -> str:
    """Return the page of the older names of drivers."""
    from os_faults.registry import KINDS, is_older_name, names

    page = Page()
    for kind in KINDS:
        for name in names(kind):
            if is_older_name(kind, name):
                page.title(f"{name} ({kind})", "-")
                page.text(driver(kind, name))
    return str(page)


def crash_matrix(part: str) -> str:
    """Return a part of the crash matrix as the hosts tier last recorded it: ``cells``, ``events``, ``exceptions``."""
    record = json.loads(CRASH_MATRIX.read_text(encoding="utf-8"))
    cells, columns = record["cells"], record["columns"]
    page = Page()
    if part == "cells":
        versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
        page.text(f"As of {record['date']}, with {versions}.")
        page.text("``+0.1 s``: so long after its time. ``0.1 s``: so long after the event.")
        page.text("``-``: can't apply, see below.")
        rows = [[name, *(cells[row][name] for row in cells)] for name in columns]
        page.table(["", *(f"``{row}``" for row in cells)], rows)
    elif part == "events":
        page.table(["column", "what happens"], [[name, text.replace("`", "``")] for name, text in columns.items()])
    else:
        reasons = {**record["cannot_apply"], **{f"``{row}``": why for row, why in record["elsewhere"].items()}}
        page.table(["column or fault", "why"], [[name, text.replace("`", "``")] for name, text in reasons.items()])
    return str(page)


def host_matrix() -> str:
    """Return the host matrix as the hosts tier last recorded it: the hosts, then verb by verb; refusals are listed."""
    record = json.loads(HOST_MATRIX.read_text(encoding="utf-8"))
    kinds, verbs = record["kinds"], record["verbs"]
    page = Page()
    page.text(f"As of {record['date']}, with os_faults {record['os_faults']}.")
    facts = list(next(iter(kinds.values())))
    page.table(["", *facts], [[kind, *(about[fact] for fact in facts)] for kind, about in kinds.items()])
    page.table(
        ["", *kinds],
        [[f"``{verb}``", *(cell.partition(":")[0] for cell in cells.values())] for verb, cells in verbs.items()],
    )
    refused = {cell.partition(": ")[2]: verb for verb, cells in verbs.items() for cell in cells.values() if ":" in cell}
    page.table(["verb", "the host says"], [[f"``{verb}``", f"``{why}``"] for why, verb in refused.items()])
    return str(page)


SOURCES: dict[str, Callable[..., str]] = {
    "crash-matrix": crash_matrix,
    "host-matrix": host_matrix,
    "playbooks": playbooks,
    "modules": modules,
    "driver": driver,
    "errors": errors,
    "command-line": command_line,
    "sentences": sentences,
    "services": services,
    "verbs": verbs,
    "json-fields": json_fields,
    "older-drivers": older_drivers,
}


class FromCode(SphinxDirective):
    """``.. from-code:: playbooks``: the page that grows from that source; ``.. from-code:: driver power libvirt``."""

    required_arguments = 1
    optional_arguments = 2

    def run(self) -> list[nodes.Node]:
        """Parse what the source says as if it stood in the page."""
        for folder in (PLAYBOOKS, MODULES, ROOT / "os_faults"):
            for path in folder.rglob("*"):
                if path.suffix in {".py", ".yml"}:
                    self.env.note_dependency(str(path))
        for record in (CRASH_MATRIX, HOST_MATRIX):
            self.env.note_dependency(str(record))
        self.env.note_dependency(str(JSON_FIELDS))
        return self.parse_text_to_nodes(SOURCES[self.arguments[0]](*self.arguments[1:]), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("from-code", FromCode)
    return {"version": "1", "parallel_read_safe": True}
