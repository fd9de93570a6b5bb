"""A host lies in every field of every answer: the honest host is served as ever, and only errors of ours are raised."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.lying_fixture import CONFIG, EVIL, GOOD, HONEST, LyingRunner, added, cloud_of, places, put, without

from os_faults import Cloud, GuardRailError, OSFException, Result
from os_faults.cli import main
from os_faults.cli.session import Session
from os_faults.faults.listing import faults_of

pytestmark = [pytest.mark.usefixtures("state_home"), pytest.mark.once]

DEEP = reduce(lambda inner, _: [inner], range(500), ["x"])
LIES: dict[str, Any] = {
    "null": None,
    "true": True,
    "a number": 7,
    "a negative number": -1,
    "a number without a date": 1e300,
    "no number": float("nan"),
    "infinity": float("inf"),
    "a huge integer": 10**400,
    "an empty text": "",
    "a template": "{{ lookup('pipe', 'touch /tmp/canary') }}",
    "a statement": "{% for x in y %}",
    "a comment": "{# x",
    "a long text": "x" * 20_000,
    "half a character": "\ud800",
    "an escape sequence": "\x1b]0;owned\a\x1b[31m",
    "lines": "a\nb\r\n",
    "a path": "../../etc/passwd",
    "an empty list": [],
    "an empty mapping": {},
    "a list of numbers": [7],
    "a list of mappings": [{}],
    "a list of lists": [[]],
    "a deep list": DEEP,
    "a mapping of templates": {"{{ x }}": {"{{ x }}": "{{ x }}"}},
}


def ours(what: Callable[[], Any]) -> Result | None:
    """Call something, and return its result, also when an error of ours has it."""
    try:
        found = what()
    except OSFException as error:
        found = getattr(error, "result", None)
    return found if isinstance(found, Result) else None


def served(found: Result | None) -> bool:
    return found is not None and GOOD in found and found[GOOD].ok


def faults(cloud: Cloud) -> Result | None:
    result = ours(lambda: cloud._faults.listing(cloud.known_nodes(), cloud._discovery.machines()).raise_for_status())
    assert result is not None
    assert [fault.id for fault in faults_of(result) if fault.node == GOOD] == ["freeze-keystone"]
    return result


def heal(cloud: Cloud) -> Result | None:
    result = ours(cloud.heal)
    assert result is not None
    assert result[GOOD].payload["undone"] == ["freeze-keystone"]
    return result


#: What is asked when a module lies, each for both hosts; it returns what became of them.
ASKED: dict[str, dict[str, Callable[[Cloud], Result | None]]] = {
    "osf_node_info": {
        "verify": lambda cloud: ours(cloud.verify),
        "faults": faults,
        "heal": heal,
        "restart": lambda cloud: ours(
            lambda: cloud.get_service("keystone").restart(cloud.get_nodes([GOOD]), force=True)
        ),
        "running": lambda cloud: ours(lambda: cloud.get_service("keystone").get_nodes(running=True)),
    },
    "osf_holds_info": {"faults": faults},
    "osf_heal": {"heal": heal},
    "osf_systemd_service": {"restart": lambda cloud: ours(lambda: cloud.get_service("keystone").restart(force=True))},
    "osf_container": {"restart": lambda cloud: ours(lambda: cloud.get_container("web").restart(force=True))},
    "osf_reboot": {"reboot": lambda cloud: ours(lambda: cloud.get_nodes().reboot(force=True))},
    "osf_hold": {
        "freeze": lambda cloud: ours(lambda: cloud.get_service("keystone").freeze(force=True)),
        "faults after it": lambda cloud: (
            ours(lambda: cloud.get_service("keystone").freeze(force=True)) and faults(cloud)
        ),
    },
    "osf_libvirt_power": {
        "poweroff": lambda cloud: ours(lambda: cloud.get_nodes().poweroff(force=True)),
        "power_state": lambda cloud: ours(lambda: cloud.get_nodes().power_state()),
        "faults after it": lambda cloud: ours(lambda: cloud.get_nodes().poweroff(force=True)) and ours(cloud.heal),
    },
}
UNSEEN = {"running", "power_state", "faults after it"}
"""What returns no result of the honest host."""
AT_ONCE = 25
"""Lies to one cloud object: each verb reads the journal of all before it."""


def lies_about(module: str) -> Iterator[tuple[str, Any]]:
    for path in places(HONEST[module]):
        yield f"without {path}", without(path)
        yield f"a key more at {path}", added(path)
        for name, value in LIES.items():
            yield f"{name} at {path}", put(path, value)
    yield "a loop without items", lambda _answer: {"changed": True, "results": []}
    yield "a loop of nothing", lambda _answer: {"changed": True, "results": [{"ansible_loop_var": "item"}]}
    for name, value in LIES.items():
        yield f"{name} instead", lambda _answer, value=value: value


@pytest.mark.parametrize(("module", "asked"), [(module, asked) for module in ASKED for asked in ASKED[module]])
def test_one_host_lies_and_the_other_is_served(module: str, asked: str, tmp_path: Path) -> None:
    lies = list(lies_about(module))
    for number in range(0, len(lies), AT_ONCE):
        runner = LyingRunner()
        # What was written down is read again.
        with cloud_of(runner, tmp_path / str(number) if asked == "faults after it" else None) as cloud:
            for about, lie in lies[number : number + AT_ONCE]:
                runner.lies = {module: lie}
                cloud.refresh()
                check(cloud, module, asked, about)


def check(cloud: Cloud, module: str, asked: str, about: str) -> None:
    """Ask both hosts, of which one lies in the answer of ``module``."""
    result = ASKED[module][asked](cloud)
    assert asked in UNSEEN or served(result), about
    of_the_lie = asked not in UNSEEN and (module != "osf_node_info" or asked == "verify")
    if about.startswith("a loop") and of_the_lie and result is not None and EVIL in result:
        assert not result[EVIL].ok, about
    if result is not None and EVIL in result and not result[EVIL].answered:
        assert result[EVIL].message, about


def test_a_verification_that_goes_wrong_as_a_whole_says_so() -> None:
    class Broken(LyingRunner):
        def run(self, action: Any, inventory: Any, watch: Any = None) -> Result:
            return Result(action, {}, error="no room") if action.verb == "verify" else super().run(action, inventory)

    runner = Broken()
    runner.lies = {"osf_node_info": put(("node", "interfaces", 0, "name"), "{{ x }}")}
    with cloud_of(runner) as cloud, pytest.raises(OSFException, match="verify the nodes failed: no room"):
        cloud.verify()


def test_a_lie_is_a_failure_that_names_the_host_and_the_field() -> None:
    runner = LyingRunner()
    runner.lies = {"osf_holds_info": put(("holds", 0, "since"), "now")}
    with cloud_of(runner) as cloud, pytest.raises(OSFException, match=r"evil failed: .*holds\[0\].since is 'now'"):
        cloud.faults()


@pytest.mark.parametrize("force", [False, True])
def test_a_claim_says_who_holds_and_no_more(force: bool) -> None:
    """The name of the node is not its own to say: it could be that of another."""
    runner = LyingRunner()
    runner.lies = {"osf_node_info": lambda answer: added(("claims", 0))(put(("node", "fqdn"), GOOD)(answer))}
    with cloud_of(runner) as cloud:
        service, good = cloud.get_service("keystone"), cloud.get_nodes([GOOD])
        if force:
            assert service.restart(good, force=True)[GOOD].ok
        else:
            with pytest.raises(GuardRailError, match=r"freeze keystone on (evil|good), since"):
                service.restart(good)
        assert {claim.node for claim in cloud._discovery.claims_of_others("me")} == {GOOD, EVIL}


def test_what_a_host_begins_to_say_of_itself_stays_its_own(tmp_path: Path) -> None:
    """It says that it is the other host, at the other host's address."""
    runner = LyingRunner()
    runner.lies = {"osf_node_info": put(("node", "interfaces", 0, "addresses"), ["10.0.0.2", "10.0.0.3"])}
    with cloud_of(runner, tmp_path) as cloud:
        good, evil = cloud.get_nodes([GOOD])[0], cloud.get_nodes([EVIL])[0]
        assert "10.0.0.2" in good.addresses
        assert "10.0.0.2" not in evil.addresses


COMMANDS = {
    "verify": ("verify",),
    "nodes": ("nodes",),
    "services": ("services",),
    "containers": ("containers",),
    "faults": ("faults",),
    "heal": ("heal",),
    "inject": ("inject", "restart", "keystone", "--on", GOOD, "--force"),
    "plan": ("plan", "inject", "restart", "keystone", "--on", GOOD),
    "inventory": ("inventory",),
    "poweroff": ("inject", "poweroff", "--on", GOOD, "--force"),
    "discover": ("discover", "OUT"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("lie", ["a list of numbers", "no number", "a deep list", "an escape sequence", "a template"])
@pytest.mark.parametrize("output", ["text", "json"])
def test_a_command_says_who_lies(command: str, lie: str, output: str, tmp_path: Path) -> None:
    config = tmp_path / "os-faults.json"
    config.write_text(json.dumps(CONFIG))
    runner = LyingRunner()
    runner.lies = {
        "osf_node_info": put(("services", "keystone", "units"), LIES[lie]),
        "osf_holds_info": put(("holds", 0, "until"), LIES[lie]),
        "osf_heal": put(("undone",), LIES[lie]),
    }
    session = Session(parts={"runner": runner, "state": tmp_path / "state"})
    words = [word.replace("OUT", str(tmp_path / "found.yaml")) for word in COMMANDS[command]]
    begin = time.monotonic()
    done = CliRunner().invoke(main, ["-c", str(config), "--output", output, *words], obj=session)
    assert time.monotonic() - begin < 20
    assert done.exit_code in (0, 1, 2, 4), done.output
    assert "unexpected" not in done.stderr
    assert "\x1b" not in done.output
    if done.exit_code or command == "inventory":
        assert EVIL in done.output
    if output == "json" and command not in ("inventory", "discover"):
        json.loads(done.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    if command in ("services", "containers", "faults", "inject", "nodes", "heal"):
        assert GOOD in done.stdout


@pytest.mark.parametrize(
    "lie", [put(("notes",), ["x\nos-faults: good: lost"]), put(("msg",), "x\nos-faults: good: lost")]
)
@pytest.mark.parametrize("command", ["faults", "verify"])
def test_a_host_says_nothing_in_a_line_of_its_own(lie: Any, command: str, tmp_path: Path) -> None:
    config = tmp_path / "os-faults.json"
    config.write_text(json.dumps(CONFIG))
    runner = LyingRunner()
    runner.lies = {"osf_node_info": lie, "osf_holds_info": lie}
    session = Session(parts={"runner": runner, "state": tmp_path / "state"})
    done = CliRunner().invoke(main, ["-c", str(config), command], obj=session)
    assert not [line for line in done.output.splitlines() if line.startswith("os-faults: good: lost")]


def test_an_interrupted_verb_heals_the_honest_host_of_its_own_ids(tmp_path: Path) -> None:
    class Interrupted(LyingRunner):
        def run(self, action: Any, inventory: Any, watch: Any = None) -> Result:
            result = super().run(action, inventory, watch)
            if action.verb == "freeze":
                raise KeyboardInterrupt
            return result

    fresh = {"since": time.time() + 100, "until": None}
    for lie in (put(("holds", 0, "id"), "{{ x }}"), put(("holds", 0, "id"), "terminate-mysql"), put(("holds",), [7])):
        runner = Interrupted()
        honest = HONEST["osf_holds_info"]["holds"][0]
        with cloud_of(runner, tmp_path) as cloud, pytest.MonkeyPatch.context() as patch:
            for key, value in fresh.items():
                patch.setitem(honest, key, value)
            runner.lies = {"osf_holds_info": lie}
            with pytest.raises(KeyboardInterrupt):
                cloud.get_service("keystone").freeze(force=True)
        (ids,) = [action.known["os_faults_ids_of"] for action in runner.performed if action.verb == "heal"]
        assert ids[GOOD] == ["freeze-keystone"]
        assert ids.get(EVIL, []) in ([], ["terminate-mysql"])
