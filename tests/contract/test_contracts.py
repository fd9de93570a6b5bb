"""Every playbook has a typed contract, and playbook, contract and Python methods say the same."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from os_faults import Container, NodeCollection, Service, actions

ROOT = Path(__file__).parents[2]
PLAYBOOKS = sorted(path for path in (ROOT / "playbooks").glob("*.yml") if not path.name.endswith(".meta.yml"))
METAS = sorted((ROOT / "playbooks").glob("*.meta.yml"))
NAMES = [path.stem for path in PLAYBOOKS]
SUBJECTS = {"service", "container", "node", "cloud"}


def spec_of(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / "playbooks" / f"{name}.meta.yml").read_text())["argument_specs"][name]


def plays_of(name: str) -> list[dict[str, Any]]:
    return yaml.safe_load((ROOT / "playbooks" / f"{name}.yml").read_text())


def verbs_of(name: str) -> list[str]:
    spec = spec_of(name)
    return spec["options"][spec["verbs_from"]]["choices"] if "verbs_from" in spec else []


def verbs_with_subject(subject: str) -> set[str]:
    return {verb for name in NAMES if spec_of(name)["subject"] == subject for verb in verbs_of(name)}


def test_every_playbook_has_a_contract_and_every_contract_a_playbook() -> None:
    assert NAMES, "no playbook at all"
    assert [path.name.removesuffix(".meta.yml") for path in METAS] == NAMES


CLASSES = {"node": NodeCollection, "service": Service, "container": Container}
BREAKING = [
    (contract.subject, verb.name)
    for contract in actions.contracts().values()
    for verb in contract.verbs
    if contract.breaks(verb.name) and contract.subject in CLASSES
]


@pytest.mark.parametrize(("subject", "verb"), BREAKING)
def test_the_method_of_a_verb_that_breaks_something_takes_a_limit(subject: str, verb: str) -> None:
    method = inspect.signature(getattr(CLASSES[subject], verb))
    assert {"limit", "call"} & set(method.parameters)


#: The keys of a spec that are not explained as ours: those of Ansible, and the examples.
_USUAL = {"short_description", "description", "options", "examples"}


def test_the_page_explains_every_key_of_our_own() -> None:
    page = (ROOT / "docs" / "how-it-works.md").read_text()
    table = page.partition("\n## The contract\n")[2].partition("\n## ")[0]
    assert (
        set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
        == {key for name in NAMES for key in spec_of(name)} - _USUAL
    )


@pytest.mark.parametrize("name", NAMES)
def test_contract_is_whole(name: str) -> None:
    meta = yaml.safe_load((ROOT / "playbooks" / f"{name}.meta.yml").read_text())
    assert set(meta) == {"short_description", "description", "argument_specs"}
    assert list(meta["argument_specs"]) == [name]
    spec = spec_of(name)
    assert spec["subject"] in SUBJECTS
    assert spec["short_description"]
    assert spec["description"]
    assert isinstance(spec["examples"], str)
    assert f"{name}.yml" in spec["examples"], "an example shows the playbook itself"
    for option in spec.get("options", {}).values():
        assert option["type"]
        assert option["description"]
        assert not (option.get("required") and "default" in option)


@pytest.mark.parametrize("name", NAMES)
def test_a_playbook_has_verbs_or_only_reads(name: str) -> None:
    spec = spec_of(name)
    if spec.get("read_only"):
        assert "verbs_from" not in spec
        assert "undone_by" not in spec
    elif "verbs_from" in spec:
        option = spec["options"][spec["verbs_from"]]
        assert option["choices"]
        assert set(spec["verbs"]) == set(option["choices"]), "one sentence of help for each verb"
    else:
        assert spec["subject"] == "cloud", "only what is done to the whole cloud needs no verb"


@pytest.mark.case("u05")
@pytest.mark.parametrize("name", [name for name in NAMES if spec_of(name).get("read_only")])
def test_what_only_reads_prints_its_answer_at_the_end(name: str) -> None:
    *_, play = plays_of(name)
    *_, last = play["tasks"]
    assert last["ansible.builtin.debug"]["var"]
    assert last["tags"] == "os_faults_print", "a run of os_faults leaves it out"


@pytest.mark.case("u09")
@pytest.mark.parametrize("name", NAMES)
def test_every_option_of_seconds_takes_units(name: str) -> None:
    spec = spec_of(name)
    options = {each: (option["type"], str(option["description"])) for each, option in spec.get("options", {}).items()}
    seconds = {each for each, (kind, text) in options.items() if re.search(r"\bseconds\b", text, re.IGNORECASE)}
    assert seconds - {"offset"} == set(spec.get("times", ())), "an offset has a sign, and is no duration"
    assert {options[each][0] for each in spec.get("times", ())} <= {"str"}


@pytest.mark.parametrize("name", NAMES)
def test_undo_verbs_are_verbs_of_the_same_subject(name: str) -> None:
    undone_by = spec_of(name).get("undone_by", {})
    assert set(undone_by) <= set(verbs_of(name))
    assert set(undone_by.values()) <= verbs_with_subject(spec_of(name)["subject"])


@pytest.mark.parametrize("name", NAMES)
def test_keys_that_name_verbs_and_options_name_some_of_the_contract(name: str) -> None:
    spec = spec_of(name)
    verbs = set(verbs_of(name))
    only_for = spec.get("only_for", {})
    assert set(only_for) <= set(spec.get("options", {}))
    assert set().union(*only_for.values()) <= verbs
    assert set(spec.get("breaks_connections", [])) <= verbs
    assert set(spec.get("asked_by_plan", [])) <= verbs
    assert set(spec.get("also_called", {}).values()) <= verbs
    subject_from = spec.get("subject_from", [])
    named = {subject_from} if isinstance(subject_from, str) else set(subject_from)
    assert named <= set(spec.get("options", {}))
    types = {key: option["type"] for key, option in spec.get("options", {}).items()}
    assert {types.get(key) for key in spec.get("amounts", [])} <= {"str"}
    assert {types.get(key) for key in spec.get("ranges", {})} <= {"int", "float"}


@pytest.mark.parametrize("name", NAMES)
def test_defaults_of_the_play_are_those_of_the_contract(name: str) -> None:
    options = spec_of(name).get("options", {})
    promised = {key: option["default"] for key, option in options.items() if "default" in option}
    for play in plays_of(name):
        given = {key: value for key, value in play.get("vars", {}).items() if key in options}
        assert given == promised


@pytest.mark.parametrize("name", NAMES)
def test_play_checks_its_arguments_first_and_acts_on_the_nodes_it_is_given(name: str) -> None:
    for play in plays_of(name):
        assert play["hosts"] == "{{ os_faults_hosts | default('all') }}"
        assert play["gather_facts"] is False
        first = (play.get("pre_tasks") or play["tasks"])[0]
        assert first.get("ansible.builtin.import_tasks") == "tasks/validate.yml"
        assert {**play.get("vars", {}), **first.get("vars", {})}["contract"] == name


@pytest.mark.parametrize("name", NAMES)
def test_every_playbook_is_exercised_in_tests_functional(name: str) -> None:
    texts = [path.read_text() for path in (ROOT / "tests" / "functional").rglob("*") if path.suffix in {".py", ".yml"}]
    assert any(f"{name}.yml" in text or f'"{name}"' in text for text in texts), "no test of tests/functional runs it"


@pytest.mark.case("u06")
def test_every_variable_of_an_inventory_is_documented() -> None:
    plugin = ast.parse((ROOT / "playbooks" / "action_plugins" / "osf_arguments.py").read_text())
    texts = {node.value for node in ast.walk(plugin) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    names = {text for text in texts if re.fullmatch("os_faults_[a-z_]+", text)}
    page = (ROOT / "docs" / "by-ansible-alone.md").read_text()
    assert "os_faults_cloud" in names
    assert names <= set(re.findall(r"^\| `(os_faults_[a-z_]+)` \|", page, re.MULTILINE))


def test_no_verb_stands_in_two_playbooks_of_one_subject() -> None:
    pairs = [(spec_of(name)["subject"], verb) for name in NAMES for verb in verbs_of(name)]
    assert len(pairs) == len(set(pairs))


def methods(cls: type, *parameters: str) -> set[str]:
    """Return the public methods of a class that take one of the parameters."""
    public = [(name, value) for name, value in inspect.getmembers(cls, inspect.isfunction) if not name.startswith("_")]
    return {name for name, value in public if set(parameters) & set(inspect.signature(value).parameters)}


def test_verbs_of_services_are_the_methods_of_service() -> None:
    from os_faults.service import Service

    assert methods(Service, "check") == verbs_with_subject("service")


def test_verbs_of_containers_are_the_methods_of_container() -> None:
    from os_faults.container import Container

    assert methods(Container, "check") == verbs_with_subject("container")


def test_verbs_of_nodes_are_the_methods_of_node_collection() -> None:
    from os_faults.nodes import NodeCollection

    aliases = {"connect", "disconnect"}  # names that callers of the older library use for the network verbs
    generic = {"run_task"}  # takes any Ansible task, so it has no contract
    found = methods(NodeCollection, "check")
    assert aliases <= {name for name in dir(NodeCollection) if not name.startswith("_")}
    assert found - aliases - generic == verbs_with_subject("node")


@pytest.mark.parametrize("subject", ["service", "container", "node"])
def test_methods_take_the_options_of_their_contract(subject: str) -> None:
    """An option of the contract that is no parameter of the method could never be given from Python."""
    from os_faults.container import Container
    from os_faults.nodes import NodeCollection
    from os_faults.service import Service

    owner = {"service": Service, "container": Container, "node": NodeCollection}[subject]
    for name in NAMES:
        spec = spec_of(name)
        if spec["subject"] != subject:
            continue
        for verb in verbs_of(name):
            parameters = inspect.signature(getattr(owner, verb)).parameters
            required = {key for key, option in spec["options"].items() if option.get("required")}
            required -= {spec["verbs_from"], subject} - {"node"}
            assert required <= set(parameters), f"{owner.__name__}.{verb} lacks {required - set(parameters)}"


def test_python_reads_the_same_contracts() -> None:
    from os_faults.actions.contract import AT, load_contracts

    contracts = load_contracts(ROOT / "playbooks")
    assert sorted(Path(name).stem for name in contracts) == NAMES
    for key, contract in contracts.items():
        name = Path(key).stem
        assert contract.subject == spec_of(name)["subject"]
        assert [verb.name for verb in contract.verbs] in (verbs_of(name), [name])
        at = {AT.name} if spec_of(name).get("takes_start_time") else set()
        assert set(contract.options) == set(spec_of(name).get("options", {})) | at


def test_tasks_of_a_service_are_included_by_a_table_of_all_that_there_are() -> None:
    """What is included is never a path that somebody else has told."""
    folder = ROOT / "playbooks" / "tasks" / "service"
    table = yaml.safe_load((ROOT / "playbooks" / "vars" / "service.yml").read_text())["os_faults_tasks"]
    assert table == {path.stem: path.name for path in folder.glob("*.yml") if path.stem not in ("any", "known")}
