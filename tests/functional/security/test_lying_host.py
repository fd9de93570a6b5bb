"""A host that lies, by real Ansible: nothing that it says runs here, speaks for the honest host, or stops it."""

from __future__ import annotations

import base64
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.held_service import until
from support.lying_host import Liar, Ward, cloud_config
from support.remembered import remember

from os_faults import Cloud, OSFException, PartlyDone, connect, resources
from os_faults.faults.listing import faults_of

pytestmark = pytest.mark.functional

BIN = Path(sys.executable).parent
PLAIN = "00000000-0000-0000-0000-00000000beef"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The directory of the two hosts and of what os_faults keeps, the same for all tests, as it is connected once."""
    place = tmp_path_factory.mktemp("lying")
    with pytest.MonkeyPatch.context() as patch:
        for variable, name in (("XDG_STATE_HOME", "state"), ("XDG_RUNTIME_DIR", "runtime")):
            (place / name).mkdir(mode=0o700)
            patch.setenv(variable, str(place / name))
        yield place


@pytest.fixture(scope="module")
def evil(place: Path) -> Liar:
    return Liar(place / "evil")


@pytest.fixture(scope="module")
def config(place: Path, evil: Liar) -> dict[str, Any]:
    return cloud_config(place, evil)


@pytest.fixture(scope="module")
def connected(config: dict[str, Any]) -> Iterator[Cloud]:
    remember(
        config, f"freeze-{service_of(config)}"
    )  # so it can be healed after each test, also after one that froze nothing
    with connect(config) as cloud:
        yield cloud


@pytest.fixture
def liar(evil: Liar) -> Liar:
    """The lying host, which has said and done nothing yet."""
    evil.lies()
    (evil.directory / "asked").unlink(missing_ok=True)
    return evil


@pytest.fixture
def ward(place: Path) -> Iterator[Ward]:
    ward = Ward(place)
    yield ward
    ward.end()


@pytest.fixture
def cloud(connected: Cloud, config: dict[str, Any], liar: Liar, ward: Ward) -> Iterator[Cloud]:
    yield connected
    liar.lies()
    connected.watch = None
    connected.heal([f"freeze-{service_of(config)}"], check=False)
    connected.refresh()


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Path]:
    """A file that is there when the controller has run what the lying host said."""
    path = tmp_path / "canary"
    yield path
    assert not path.exists(), "the controller ran what a host said"


@pytest.fixture
def impatient(tmp_path: Path, monkeypatch) -> None:
    """The bundled playbooks with five seconds for what only reads, in place of 45."""
    playbooks = shutil.copytree(resources.playbooks_dir(), tmp_path / "playbooks", symlinks=False)
    for path in playbooks.glob("*.yml"):
        path.write_text(path.read_text().replace("timeout: 45", "timeout: 5"))
    monkeypatch.setattr(resources, "playbooks_dir", lambda: playbooks)


def template(canary: Path) -> str:
    return "{{ lookup('ansible.builtin.pipe', 'id > " + str(canary) + "') }}"


def service_of(config: dict[str, Any]) -> str:
    (name,) = config["services"]
    return str(name)


def mark(event: Any) -> str:
    """Return a mark of an event as ansible-runner's callback writes it."""
    return bare(json.dumps(event))


def bare(content: str) -> str:
    text = base64.b64encode(content.encode()).decode()
    return f"\x1b[K{text}\x1b[{len(text)}D\x1b[K"


def listed(cloud: Cloud, node: str) -> list[str]:
    """Return the ids of a node's faults; what another node says wrong is no matter here."""
    try:
        faults = cloud.faults()
    except PartlyDone as error:
        faults = faults_of(error.result)
    return [fault.id for fault in faults if fault.node == node]


NOTHING = {"holds": [], "notes": [], "now": 1.0, "changed": False}
GOODS = {"host": "good", "task_action": "osf_holds_info", "res": NOTHING}
FORGED = (
    mark({"uuid": PLAIN, "event": "runner_on_ok", "event_data": GOODS})
    + "x"
    + mark({"uuid": PLAIN, "event": "verbose"})
)
WAYS: dict[str, dict[str, Any]] = {
    "in a warning": {"put": [[["warnings"], [FORGED]]]},
    "behind the answer": {"behind": FORGED},
    "in an internal key": {"put": [[["_ansible_x" + FORGED], 1]]},
    "in the name of a refused fact": {"put": [[["ansible_facts"], {"ansible_connection" + FORGED: 1}]]},
    "a number in place of an event": {"put": [[["warnings"], [mark(5) + mark([1]) + mark("x") + mark(None)]]]},
    "a uuid that is a path": {"put": [[["warnings"], [mark({"uuid": "../../../../x", "event": "runner_on_ok"})]]]},
    "a uuid alone": {"put": [[["warnings"], [mark({"uuid": PLAIN})]]]},
    "a mark without an end": {"put": [[["warnings"], ["\x1b[KAAAA\x1b[4D"]]], "behind": "\x1b[KAAAA\x1b[4D"},
    "an event too deep to be read": {"put": [[["warnings"], [bare("[" * 5000)]]]},
    "a false end, then marks": {"put": [[["warnings"], {"@": f"[{mark({})!r} + {mark({'uuid': PLAIN})!r} * 20_000]"}]]},
    "lines without an end": {"put": [[["warnings"], {"@": "['x\\n' * 100_000]"}]]},
    "a flood": {"put": [[["warnings"], [FORGED * 300]]]},
    "a flood of beginnings": {"put": [[["warnings"], {"@": "['\\x1b[K' * 3_000_000 + 'x']"}]]},
}


UNSEEN = {"behind the answer", "in the name of a refused fact", "a mark without an end", "a flood of beginnings"} | {
    "lines without an end",
    "in an internal key",
}
"""What Ansible does not print, or not in every version, and what is no event."""


@pytest.mark.parametrize("way", WAYS)
def test_a_host_does_not_answer_for_another(
    cloud: Cloud, liar: Liar, config: dict[str, Any], way: str, caplog, place: Path
) -> None:
    name = service_of(config)
    cloud.get_service(name).freeze(cloud.get_nodes(["good"]))
    with caplog.at_level(logging.WARNING):
        liar.lies(osf_holds_info={**WAYS[way], "before": 0.7})
        assert f"freeze-{name}" in listed(cloud, "good")
    named = "evil" in caplog.text or "speak for other hosts" in caplog.text
    assert named or way in UNSEEN
    run = max((place / "runs").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert len(list((run / "artifacts" / "run" / "job_events").iterdir())) < 1500
    liar.lies()
    assert f"freeze-{name}" in listed(cloud, "evil")


def test_the_id_of_a_fault_does_not_run_here(cloud: Cloud, liar: Liar, config: dict[str, Any], canary: Path) -> None:
    """A verb is interrupted, and what it did is taken back by the ids that the hosts tell."""

    def interrupt(event: dict[str, Any]) -> None:
        if event["event"] == "runner_on_ok" and event["event_data"].get("task_action") == "osf_hold":
            raise KeyboardInterrupt

    name = service_of(config)
    service = cloud.get_service(name)
    hold = {"id": template(canary), "fault": "freeze", "subject": name, "state": "injected", "until": None, "by": "x"}
    liar.lies(
        osf_hold={"before": 60},
        osf_holds_info={"put": [[["holds"], [hold]], [["holds", 0, "since"], {"@": "answer['now']"}]]},
    )
    cloud.watch = interrupt
    with pytest.raises(KeyboardInterrupt, match="evil failed: its answer can't be used") as caught:
        service.freeze()
    assert any("evil" in note for note in caught.value.__notes__)
    cloud.watch = None
    liar.lies()
    assert f"freeze-{name}" not in listed(cloud, "good")
    with pytest.raises(OSFException, match="no identity of a fault"):
        cloud.heal(ids=[template(canary)])


def test_what_a_host_began_that_gave_no_answer_is_taken_back(cloud: Cloud, liar: Liar, config: dict[str, Any]) -> None:
    """Its module froze the service, and died before it could say so."""
    name = service_of(config)
    liar.lies(osf_hold={"put": [[["changed"], True]], "behind": "Segmentation fault"})
    with pytest.raises(PartlyDone, match=r"evil failed: the module ended without an answer.*was taken back") as caught:
        cloud.get_service(name).freeze(cloud.get_nodes())
    assert caught.value.result["good"].ok
    assert f"freeze-{name}" not in listed(cloud, "evil")


def test_no_field_of_an_answer_runs_here(cloud: Cloud, liar: Liar, config: dict[str, Any], canary: Path) -> None:
    hold = {"id": "x", "fault": "x", "subject": "x", "state": "x", "since": 1.0, "until": None, "by": "x"}
    fields = {
        "osf_node_info": [
            ["node", "fqdn"],
            ["node", "boot_id"],
            ["node", "interfaces", 0, "name"],
            ["node", "interfaces", 0, "mac"],
            ["node", "interfaces", 0, "addresses"],
            ["node", "default_interface"],
            ["services"],
            ["claims"],
            ["notes"],
            ["msg"],
        ],
        "osf_holds_info": [["now"], ["notes"], *(["holds", 0, key] for key in hold)],
        "osf_heal": [["undone"], ["failed_holds"], ["notes"], ["undo_failed"], ["msg"]],
    }
    bad = template(canary)

    def discover() -> None:
        cloud.refresh()
        cloud.inventory(cloud.known_nodes())

    ids = [f"freeze-{service_of(config)}"]
    look: dict[str, Callable[[], object]] = {
        "osf_node_info": discover,
        "osf_holds_info": lambda: listed(cloud, "good"),
        "osf_heal": lambda: cloud.heal(ids, check=False)["good"].ok or pytest.fail("the honest host"),
    }
    for module, paths in fields.items():
        for path in paths:
            lists = [["holds"], [hold]] if path[0] == "holds" else [["changed"], False]
            whole = {"services": {bad: {"units": [bad], "active": True}}, "claims": [{**hold, "by": bad, "until": 4e9}]}
            value = whole.get(str(path[-1]), [bad] if path[-1] in ("notes", "undone", "addresses") else bad)
            liar.lies(**{module: {"put": [lists, [path, value]]}})
            look[module]()


def test_facts_of_an_answer_steer_nothing(
    cloud: Cloud, liar: Liar, config: dict[str, Any], canary: Path, tmp_path: Path
) -> None:
    """A fact of the first play would name the file of variables that the second one loads."""
    (tmp_path / "pwn.yml").write_text(json.dumps({"os_faults_catalogue": template(canary)}))
    away = os.path.relpath(tmp_path / "pwn", resources.playbooks_dir() / "catalogue")
    liar.lies(osf_process_service={"put": [[["ansible_facts"], {"os_faults_cloud": away, "os_faults_service": "x"}]]})
    service = cloud.get_service(service_of(config))
    evil = cloud.get_nodes(["evil"])
    cloud.perform_all([service.action("restart", evil), service.action("unplug", evil)])
    assert liar.asked().count("osf_process_service") == 1


@pytest.mark.parametrize(
    "lie",
    [
        {"put": [[["holds"], {"@": "['x' * 10_500_000]"}]]},
        {"put": [[["holds"], {"@": "__import__('functools').reduce(lambda a, _: [a], range(500), [])"}]]},
        {"put": [[["holds"], {"@": "__import__('functools').reduce(lambda a, _: [a], range(200), [])"}]]},
        {"put": [[["now"], {"@": "float('nan')"}]]},
        {"put": [[["now"], {"@": "10 ** 400"}]]},
        {"instead": "\udcff\udcfe{"},
        {"instead": ""},
        {"instead": "null"},
        {"instead": "{}"},
        {"instead": '{"changed": true, "holds": "\\ud800"}'},
        {"instead": "[" * 100_000},
    ],
    ids=["10 MB", "depth 500", "depth 200", "nan", "huge", "no text", "nothing", "null", "{}", "half", "brackets"],
)
def test_an_answer_that_is_none_is_a_failure_of_its_host(cloud: Cloud, liar: Liar, lie: dict[str, Any]) -> None:
    liar.lies(osf_holds_info=lie)
    with pytest.raises(PartlyDone, match="evil failed") as caught:
        cloud.faults()
    assert caught.value.result["good"].ok
    assert not caught.value.result["evil"].answered


@pytest.mark.usefixtures("impatient")
def test_a_host_that_hangs_is_named_and_the_other_is_served(
    cloud: Cloud, liar: Liar, config: dict[str, Any], ward: Ward
) -> None:
    liar.lies(osf_node_info={"before": 60}, osf_holds_info={"before": 60})
    begin = time.monotonic()
    good = cloud.get_nodes(["good"])
    with pytest.raises(PartlyDone, match="evil failed: it did not answer within 5 s"):
        cloud.faults()
    assert time.monotonic() - begin < 25
    cloud.get_service(service_of(config)).freeze(good)
    assert ward.state == "T"
    assert cloud.heal([f"freeze-{service_of(config)}"], check=False)["good"].ok
    assert ward.state == "S"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_was_begun_beside_a_lying_host_is_taken_back(
    config: dict[str, Any], liar: Liar, ward: Ward, canary: Path, tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "os-faults.json").write_text(json.dumps(config))
    (tmp_path / "os-faults.json").chmod(0o600)
    hold = {"id": template(canary), "fault": "freeze", "subject": service_of(config), "state": "injected"}
    whole = {**hold, "until": None, "by": "x", "since": 1.0}
    liar.lies(
        osf_hold={"before": 60},
        osf_holds_info={"put": [[["holds"], [whole]], [["holds", 0, "since"], {"@": "answer['now']"}]]},
    )
    words = ["-c", str(tmp_path / "os-faults.json"), "inject", "freeze", service_of(config), "--yes"]
    running = subprocess.Popen([BIN / "os-faults", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    until(lambda: ward.state == "T", 30)
    running.send_signal(number)
    said, _ = running.communicate(timeout=60)
    assert ward.state == "S", said
    assert running.returncode == 5, "what the lying host holds nobody knows"
    assert "evil" in said
    assert "unexpected" not in said


def test_arguments_are_no_templates(cloud: Cloud, canary: Path) -> None:
    nodes = cloud.get_nodes()
    for call in (
        lambda: nodes.fill_disk(path=f"/x{template(canary)}"),
        lambda: nodes.read_only(path=template(canary)),
        lambda: cloud.heal(ids=[template(canary)]),
    ):
        with pytest.raises(OSFException):
            call()


@pytest.mark.parametrize("command", ["echo canary-2718", "false canary-2718", {"argv": ["/nowhere", "canary-2718"]}])
def test_no_log_holds_in_the_artifacts_too(cloud: Cloud, place: Path, command: Any) -> None:
    good = cloud.get_nodes(["good"])
    before = set((place / "runs").iterdir())
    task = {"ansible.builtin.command": command, "no_log": True}
    result = good.run_task(task, raise_on_error=False)
    assert result["good"].ok == (command == "echo canary-2718")
    (run,) = set((place / "runs").iterdir()) - before
    texts = [path.read_text(errors="replace") for path in run.rglob("*") if path.is_file()]
    assert any("as it has no_log" in text for text in texts)
    assert not any("canary-2718" in text for text in texts)
