"""Rules that stand in Python and in a playbook or a module, as a playbook also works by hand: both sides say the same.

Each table of cases goes through both sides. The side of the playbooks is rendered by Ansible, one host for each case.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ansible_runner
import pytest
import yaml
from support.cloud_fixture import CONFIG, hosts

import os_faults
from os_faults import ArgumentError, Cloud, ServiceError, resources
from os_faults.actions.contract import AT, Option
from os_faults.ansible.inventory import group_of, inventory
from os_faults.config import load
from os_faults.faults.listing import checked
from os_faults.model import Node
from os_faults.model.start_time import LONGEST, epoch_of, seconds_of
from os_faults.testing import FakeRunner

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
Render = Callable[..., dict[str, Any]]


@pytest.fixture
def rendered(tmp_path: Path) -> Render:
    """Render a template by Ansible, with the variables of each case; return case → value."""

    def render(
        template: Any,
        cases: Mapping[str, Mapping[str, Any]],
        files: list[str] | None = None,
        common: Mapping[str, Any] | None = None,
        children: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        load = {
            "ansible.builtin.import_tasks": str(PLAYBOOKS / "tasks" / "load.yml"),
            "vars": {"os_faults_files": files or []},
        }
        show = {"ansible.builtin.debug": {"msg": template}}
        play = {"hosts": ",".join(cases), "gather_facts": False, "tasks": [load, show]}
        tree = {"hosts": dict(cases), "vars": dict(common or {}), "children": dict(children or {})}
        results = {}

        def keep(event: Mapping[str, Any]) -> bool:
            if event["event"] == "runner_on_ok":
                results[event["event_data"]["host"]] = event["event_data"]["res"]["msg"]
            return True

        done = ansible_runner.run(
            private_data_dir=str(tmp_path),
            playbook=[play],
            inventory={"all": tree},
            event_handler=keep,
            envvars={
                "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
                "ANSIBLE_LOCALHOST_WARNING": "0",
                "ANSIBLE_FILTER_PLUGINS": str(PLAYBOOKS / "filter_plugins"),
            },
            settings={"suppress_ansible_output": True, "pexpect_timeout": 0.5},
        )
        with done.stdout as file:
            assert done.rc == 0, file.read()
        assert results.keys() == cases.keys()
        return {case: results[case] for case in cases}

    return render


def numbered(cases: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {f"case-{number}": case for number, case in enumerate(cases)}


# -- seconds until a fault ends by itself ------------------------------------------------------------------------------


def test_a_fault_that_is_given_no_time_lasts_as_long_everywhere() -> None:
    """Configuration, contracts and the end after which a fault without an end keeps nobody away."""
    from ansible.module_utils.os_faults.hold.owners import end_of

    metas = [yaml.safe_load(path.read_text()) for path in PLAYBOOKS.glob("*.meta.yml")]
    options = [option for meta in metas for spec in meta["argument_specs"].values() for option in [spec["options"]]]
    contracts = {option["heal_after"]["default"] for option in options if "heal_after" in option}
    seconds = load(CONFIG).heal_after
    assert contracts == {str(seconds)}
    assert end_of({"since": 0.0, "until": None}) == seconds


# -- the alias of a service --------------------------------------------------------------------------------------------

SERVICES: dict[str, dict[str, Any]] = {
    "web": {"driver": "systemd", "service_name": "web", "aliases": ["www", "mysql"]},
    "second": {"driver": "systemd", "service_name": "second", "aliases": ["www", "web"]},
    "keystone": {"driver": "systemd", "service_name": "keystone", "aliases": ["identity"]},
}


CLOUDS: dict[str, dict[str, Any]] = {
    "devstack": {"driver": "devstack", "address": "10.0.0.1"},
    "fuel": {"driver": "fuel", "address": "10.0.0.1"},
    "kolla": {"driver": "kolla", "inventory": "/etc/hostname"},
    "salt": {"driver": "tcpcloud", "address": "10.0.0.1"},
    "": {"driver": "universal", "nodes": ["10.0.0.1"]},
}


@pytest.mark.parametrize("catalogue", CLOUDS)
def test_an_alias_names_the_same_service(rendered: Render, catalogue: str) -> None:
    cloud = os_faults.connect({"cloud_management": CLOUDS[catalogue], "services": SERVICES}, runner=FakeRunner())
    known = {**resources.catalogue(catalogue or None), **SERVICES}
    aliases = {alias for definition in known.values() for alias in definition.get("aliases", ())}
    asked = sorted({*aliases, *SERVICES, "mysql", "nobody", "Web"})
    configured = cloud.inventory([])["all"]["vars"]
    assert configured["os_faults_cloud"] == catalogue
    by_playbook = rendered(
        "{{ os_faults_service if os_faults_service in os_faults_known else os_faults_unknown }}",
        numbered([{"service": name} for name in asked]),
        files=[f"catalogue/{catalogue or 'devstack'}.yml", "vars/service.yml"],
        common=configured,
    )
    by_python = [name_of(cloud, name) for name in asked]
    assert [sentence.split(";")[0] for sentence in by_playbook.values()] == by_python
    assert by_python[asked.index("www")] == "web", "the first that has the alias"
    assert by_python[asked.index("web")] == "web", "a name comes before an alias"
    assert by_python[asked.index("nobody")] == "service 'nobody' is not known"


def name_of(cloud: Cloud, name: str) -> str:
    """Return the service's own name, or the beginning of the sentence that refuses it."""
    try:
        return cloud.get_service(name).name
    except ServiceError as error:
        return str(error).split(";")[0]


# -- the group of a service --------------------------------------------------------------------------------------------


def test_the_group_of_a_service_has_one_name(rendered: Render) -> None:
    """The group that Python's inventory makes is the one in which a play finds the nodes of the other end."""
    names = ["keystone", "nova-api", "nova_api2", "a.b@c", "Ünicode", "with space", "x--y", "9"]
    nodes = [
        Node(f"node-{number}", f"10.0.0.{number}", units={name: ("unit",)}) for number, name in enumerate(names, 1)
    ]
    groups = inventory(nodes)["all"]["children"]
    assert sorted(groups) == sorted(map(group_of, names))
    found = rendered(
        "{{ os_faults_far_nodes }}",
        numbered([{"other": name} for name in names]),
        files=["vars/far_end.yml"],
        common={"direction": "ingress", "addresses": {}, "ports": [], "os_faults_service": "web"},
        children=groups,
    )
    assert list(found.values()) == [[node.fqdn] for node in nodes]


# -- the other end of the traffic --------------------------------------------------------------------------------------

NO_DIRECTION = "another service or port needs a direction, ingress or egress"
FAR_ENDS: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"direction": "ingress"}, ""),
    ({"direction": "egress"}, ""),
    ({"other": "memcached"}, NO_DIRECTION),
    ({"ports": ["tcp/80"]}, NO_DIRECTION),
    ({"other": "memcached", "ports": ["tcp/80"]}, NO_DIRECTION),
    ({"direction": "ingress", "other": "memcached"}, ""),
    ({"direction": "ingress", "other": "memcached", "ports": ["tcp/80"]}, ""),
    ({"direction": "ingress", "ports": ["tcp/80", "udp/53"]}, ""),
    ({"direction": "ingress", "other": "mysql"}, "no node has mysql, so nothing was done"),
    ({"direction": "egress", "other": "mysql"}, ""),
    ({"direction": "egress", "ports": ["udp/53"]}, ""),
    (
        {"direction": "egress", "other": "nova-compute"},
        "no port of nova-compute is known, so nothing was done; give the port in the configuration or in the call",
    ),
    ({"direction": "egress", "other": "nova-compute", "ports": ["tcp/80"]}, ""),
    ({"direction": "egress", "other": "nobody"}, "service 'nobody' is not known"),
    ({"direction": "ingress", "other": "nobody"}, "service 'nobody' is not known"),
]


def test_the_other_end_is_refused_in_the_same_words(rendered: Render) -> None:
    """``memcached`` is on every node, ``mysql`` on none, and no port of ``nova-compute`` is known."""
    cloud = os_faults.connect(CONFIG, runner=FakeRunner(hosts()))
    everywhere = cloud.inventory()["all"]
    cases = [(verb, given, problem) for verb in ("unplug", "plug") for given, problem in FAR_ENDS]
    by_playbook = rendered(
        {"problem": "{{ os_faults_far_problem }}", "subject": "{{ os_faults_far_subject }}"},
        numbered([{"service_action": verb, "ports": [], **given} for verb, given, _ in cases]),
        files=["catalogue/devstack.yml", "vars/service.yml", "vars/far_end.yml"],
        common={**everywhere["vars"], "service": "keystone", "addresses": {}},
        children=everywhere["children"],
    )
    for (verb, given, problem), found in zip(cases, by_playbook.values(), strict=True):
        # What was cut can be given back when no node has the other service any more.
        expected = "" if verb == "plug" and problem.startswith("no node has") else problem
        by_python, subject = far_end_of(cloud, verb, given)
        assert (by_python, (found["problem"] or "").split("; known:")[0]) == (expected, expected), (verb, given)
        if not expected:
            assert found["subject"] == subject, (verb, given)


def far_end_of(cloud: Cloud, verb: str, given: Mapping[str, Any]) -> tuple[str, str]:
    """Return why Python refuses the other end, empty when it does not; and the subject of the fault."""
    try:
        action = cloud.get_service("keystone").action(verb, **given)
    except (ArgumentError, ServiceError) as error:
        return str(error).removeprefix(f"{verb} keystone service: ").split("; did you mean")[0].split("; known")[0], ""
    return "", action.hits


# -- a start time ------------------------------------------------------------------------------------------------------


def test_the_same_number_is_a_delay_or_a_start_time(rendered: Render) -> None:
    block = next(
        task["block"] for task in yaml.safe_load((PLAYBOOKS / "tasks" / "validate.yml").read_text()) if "block" in task
    )
    facts = [task["ansible.builtin.set_fact"] for task in block if "ansible.builtin.set_fact" in task]
    (start,) = [fact["os_faults_start_time"] for fact in facts]
    numbers = [0.5, 1, "3", "3s", "2min", LONGEST - 1, LONGEST, LONGEST + 0.5, LONGEST + 1, 1795000000, "1795000000.25"]
    found = rendered(start, numbered([{"at": number} for number in numbers]))
    now = time.time()
    expected = [epoch_of(seconds_of(number), now) for number in numbers]
    assert [float(value) for value in found.values()] == pytest.approx(expected, abs=60)
    assert f"above {LONGEST:.0f}." in AT.description


# -- the id of a fault -------------------------------------------------------------------------------------------------

LONGEST_ID = 100
LONGEST_NODE = 253
IDS = {
    "freeze-keystone": True,
    "partition-node-0.domain.tld": True,
    "a": True,
    "9_.-": True,
    "x" * LONGEST_ID: True,
    "": False,
    "-x": False,
    ".": False,
    "../x": False,
    "a/b": False,
    "a b": False,
    "a\n": False,
    "ä": False,
    "a;b": False,
}


def test_a_host_its_answer_and_heal_take_the_same_ids() -> None:
    from ansible.module_utils.os_faults.hold.identity import hold_id, is_plain

    shapes = yaml.safe_load((Path(os_faults.__file__).parent / "actions" / "answers" / "shapes.yml").read_text())
    answered = re.compile(shapes["$defs"]["id"]["pattern"])
    for name, plain in IDS.items():
        assert is_plain(name) is plain, name
        assert heal_takes(name) is plain, name
        assert bool(answered.search(name)) is plain, name
    assert len(hold_id("partition", "n" * 1000)) <= LONGEST_ID
    assert not is_plain("x" * (LONGEST_ID + 1))
    assert not answered.search("x" * (LONGEST_ID + 1))
    assert heal_takes("poweroff-" + "n" * LONGEST_NODE), "the controller's own record of a node without power"


def heal_takes(name: str) -> bool:
    try:
        return checked([name]) == {name}
    except ArgumentError:
        return False


def test_the_clock_is_read_where_the_fault_that_sets_it_leaves_its_note() -> None:
    from ansible.module_utils.os_faults.hold.identity import hold_id
    from ansible.module_utils.os_faults.hold.store import SYSTEM_ROOT
    from ansible.module_utils.os_faults.host.clock import EPOCH

    play = yaml.safe_load((PLAYBOOKS / "node_clock.yml").read_text())
    (fault,) = [task["osf_hold"] for task in play[0]["tasks"] if "inject" in task.get("osf_hold", {})]
    directory = f"{SYSTEM_ROOT}/{hold_id(fault['fault'], fault['subject'])}"
    assert EPOCH.startswith(f"{directory}/")
    assert re.search(
        rf"mv \S+ {EPOCH[len(directory) + 1 :]}\b", (PLAYBOOKS / "files" / "clock" / "clock.sh").read_text()
    )


DURATIONS = [
    "1", "30", "30s", "30 s", "5 Seconds", "2min", "2m", "1h30m", "1h 30 min", "1d", "1.5h", "0.5", "0", "0s",
    "-3", "1e3", "soon", "", "never", "31536000", "31536001", "9" * 400, "²", "2 parsecs", "m5", "5m5",
]  # fmt: skip


@pytest.mark.parametrize("text", DURATIONS)
def test_a_duration_is_the_same_for_the_library_and_the_playbooks(text: str) -> None:
    spec = importlib.util.spec_from_file_location("filters", PLAYBOOKS / "filter_plugins" / "os_faults_seconds.py")
    assert spec is not None
    assert spec.loader is not None
    filters = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(filters)
    try:
        ours: int | str = Option("seconds", type="duration|never").convert(text)
    except ArgumentError:
        ours = 0
    assert str(filters.seconds(text)) == str(ours)
