"""Every verb of every contract can be said, with each of its options, and is understood as just that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from os_faults.actions.contract import Contract, Option, load_contracts
from os_faults.human import forms
from os_faults.resources import playbooks_dir
from os_faults.sentences import Form, Holder, Where, forms_of, understand

FORMS = {f"{form.verb} {form.kind}": form for form in forms()}
VALUES = {
    "str": "10M",
    "int": "7",
    "float": "2.5",
    "bool": "no",
    "path": "/var",
    "list": "a,b",
    "duration": "2min",
    "start_time": "3s",
}


def value(option: Option) -> str:
    return str(option.choices[0]) if option.choices else VALUES[option.type.split("|")[0]]


def sentence(form: Form, verb: str, **options: str) -> str:
    """Return the plainest sentence for a verb: its subject, its nodes, and what else it is to say."""
    given = {name: value(form.options[name]) for name in form.required} | options
    subject = "on 2 nodes" if form.kind == "node" else f"Some.Name {form.kind} on 2 nodes"
    more = " and ".join(f"{name} {text}" for name, text in given.items())
    return f"{verb} {subject}" + (f" with {more}" if more else "")


def test_every_verb_that_changes_something_on_nodes_is_sayable() -> None:
    contracts = load_contracts(playbooks_dir()).values()
    verbs = {f"{verb.name} {c.subject}" for c in contracts for verb in c.verbs if c.verbs_from and not c.read_only}
    assert verbs
    assert set(FORMS) == verbs


@pytest.mark.parametrize("name", FORMS)
def test_a_verb_is_understood_as_itself(name: str) -> None:
    form = FORMS[name]
    for spelling in form.spellings:
        for verb in (" ".join(spelling), " ".join(spelling).upper()):
            meaning = understand(sentence(form, verb), forms())
            assert meaning.verb == form.verb
            assert meaning.where == Where(count=2)
            assert meaning.subject == (None if form.kind == "node" else Holder(form.kind, "Some.Name"))
            assert meaning.options == {option: value(form.options[option]) for option in form.required}


@pytest.mark.parametrize("name", FORMS)
def test_each_of_its_options_can_be_said(name: str) -> None:
    form = FORMS[name]
    for option in form.options.values():
        said = understand(sentence(form, form.verb, **{option.name: value(option)}), forms())
        assert said.options[option.name] == value(option)
        option.convert(said.options[option.name])


@pytest.mark.parametrize("name", [name for name, form in FORMS.items() if form.time])
def test_a_time_is_the_end_of_the_fault(name: str) -> None:
    form = FORMS[name]
    assert understand(sentence(form, form.verb) + " for 2 minutes", forms()).options[str(form.time)] == 120


@pytest.mark.parametrize("name", FORMS)
def test_no_word_too_much_is_passed_over(name: str) -> None:
    form = FORMS[name]
    whole = sentence(form, form.verb)
    for wrong in (f"{whole} please", f"do {whole}", whole.rpartition(" ")[0] + " 7 8"):
        with pytest.raises(ValueError, match="nothing was touched"):
            understand(wrong, forms())


def test_a_verb_that_a_contract_gains_is_sayable_at_once() -> None:
    base = load_contracts(playbooks_dir())["node_clock.yml"]
    grown: Contract = replace(base, subject="node", verbs=(replace(base.verbs[0], name="melt_down"),))
    assert understand("melt down one node", forms_of([grown])).verb == "melt_down"
