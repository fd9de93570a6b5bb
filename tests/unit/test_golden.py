"""One YAML file in tests/golden is one case; its folder says what it is a case of.

Every case has ``about`` (a sentence) and one of ``want`` (each key in it must come out so; keys that
it does not name are free) and ``error`` (the exact lines of the message). The rest is the input:
see the function with the folder's name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from os_faults import config, registry, resources
from os_faults.actions import contract
from os_faults.ansible import events, inventory
from os_faults.errors import OSFError
from os_faults.model import Action, HostResult, Node, Status

TESTS = Path(__file__).parent.parent
RECORDED = TESTS / "recorded"
CASES = sorted(TESTS.glob("golden/*/*.yml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_case(path: Path, tmp_path: Path) -> None:
    case = resources.read_yaml(path)
    assert case.pop("about")
    engine = ENGINES[path.parent.name]
    if "error" in case:
        wanted = case.pop("error").splitlines()
        with pytest.raises(OSFError) as caught:
            engine(case, tmp_path)
        assert str(caught.value).replace(str(tmp_path), "$root").splitlines() == wanted
    else:
        wanted = case.pop("want")
        for got in engine(case, tmp_path):
            assert only(got, wanted) == wanted
    assert not case, f"the case has keys that its engine does not know: {list(case)}"


def only(got: Any, wanted: Any) -> Any:
    """Return ``got`` without the keys that ``wanted`` does not name."""
    if isinstance(got, Mapping) and isinstance(wanted, Mapping):
        return {key: only(got[key], wanted[key]) for key in got if key in wanted}
    if isinstance(got, list) and isinstance(wanted, list) and len(got) == len(wanted):
        return [only(one, want) for one, want in zip(got, wanted, strict=True)]
    return got


def plain(value: Any) -> Any:
    """Return a value as YAML would write it."""
    return json.loads(json.dumps(value, default=str))


def in_place(value: Any, root: Path) -> Any:
    return json.loads(json.dumps(value).replace("$root", str(root)))


def for_config(case: dict[str, Any], root: Path) -> list[Any]:
    """``files`` (path below $root → content), ``environ``, ``load`` (arguments); $root/cwd is the present directory."""
    for name, content in {"cwd/": "", **case.pop("files", {})}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.name and not name.endswith("/"):
            path.write_text(content if isinstance(content, str) else json.dumps(in_place(content, root)))
    (root / "cwd").mkdir(exist_ok=True)
    environ = {"HOME": str(root / "home"), **in_place(case.pop("environ", {}), root)}
    loaded = config.load(**in_place(case.pop("load", {}), root), environ=environ, cwd=root / "cwd")
    registry.drivers_of(loaded)
    return [json.loads(json.dumps(plain(asdict(loaded))).replace(str(root), "$root"))]


def for_discovery(case: dict[str, Any], root: Path) -> list[Any]:
    """``driver``, ``args``, ``answers`` (seed → payload, or the word for its failure), ``directory`` (its payload)."""
    driver = registry.get("cloud", case.pop("driver"))(case.pop("args"))
    results = {
        seed: HostResult(seed, Status.OK, payload=answer)
        if isinstance(answer, dict)
        else HostResult(seed, Status(answer))
        for seed, answer in case.pop("answers", {}).items()
    }
    told = case.pop("directory", None)
    asked = driver.directory()
    assert (told is None) == (asked is None)
    answer = HostResult(asked.node.fqdn, Status.OK, payload=told) if asked else None
    seeds = driver.listed(answer) if answer else driver.seeds()
    nodes = driver.nodes(results, seeds)
    return [
        {
            "directory": plain(asdict(asked)) if asked else None,
            "identity": list(driver.identity),
            "left_out": dict(driver.left_out(answer)) if answer else {},
            "seeds": [{**plain(asdict(seed)), "auth": plain(asdict(seed.auth))} for seed in seeds],
            "nodes": plain([asdict(node) for node in nodes]),
            "networks": {node.fqdn: dict(driver.networks(node)) for node in nodes},
        }
    ]


def for_inventory(case: dict[str, Any], root: Path) -> list[Any]:
    """``nodes`` (fields of Node; ``login`` is ``auth``), ``ssh``, ``power``, and what else `inventory` takes."""
    secrets: list[str] = []

    def secret_path(secret: str) -> str:
        secrets.append(secret)
        return f"/run/secrets/{len(secrets)}"

    nodes = [
        Node(
            entry["fqdn"],
            entry.get("ip", entry["fqdn"]),
            units={name: tuple(units) for name, units in entry.get("units", {}).items()},
            auth=config.auth_of(entry.get("login", {})),
        )
        for entry in case.pop("nodes")
    ]
    tree = inventory.inventory(
        nodes,
        ssh=config.SshConfig(**case.pop("ssh", {})),
        power={name: machine_of(machine) for name, machine in case.pop("power", {}).items()},
        secret_path=secret_path if case.pop("secrets", True) else None,
        **{key: case.pop(key) for key in ("services", "networks", "catalogue", "control_dir") if key in case},
    )
    listed = inventory.to_list_json(tree)
    assert not any(secret in json.dumps(tree) for secret in secrets)
    return [{**tree, "list": listed}]


def machine_of(machine: dict[str, Any]) -> dict[str, Any]:
    """Return what a power driver says of a machine: ``password`` is a secret, ``login`` is how to log in."""
    special = {"password": config.Secret, "login": config.auth_of}
    return {key: special.get(key, lambda same: same)(value) for key, value in machine.items()}


def for_events(case: dict[str, Any], root: Path) -> list[Any]:
    """``recording`` (a name in tests/recorded, for each core) or ``events``; ``nodes`` (all three when left out).

    ``key`` is the private key of their login.
    """
    name = case.pop("recording", None)
    told = [json.loads(path.read_text()) for path in sorted(RECORDED.glob(f"core-*/{name}.json"))]
    assert name is None or len(told) > 1, "record it with every core: tests/recorded/record.py"
    auth = config.auth_of({"private_key_file": key} if (key := case.pop("key", None)) else {})
    nodes = tuple(Node(fqdn, fqdn, auth=auth) for fqdn in case.pop("nodes", ["node-1", "node-2", "node-3"]))
    action = Action("restart", "service_state.yml", nodes)
    inline = [{"events": case.pop("events", []), "stdout": case.pop("stdout", "")}]
    return [
        {
            "results": {node: plain(asdict(result)) for node, result in events.results(one["events"], action).items()},
            "recap": events.recap(one["stdout"]),
        }
        for one in told or inline
    ]


def for_contract(case: dict[str, Any], root: Path) -> list[Any]:
    """``meta`` (name → content of a contract), and either ``check`` (arguments) or ``find`` (subject and verb)."""
    for name, content in case.pop("meta").items():
        (root / f"{name}.meta.yml").write_text(json.dumps(content))
    contracts = contract.load_contracts(root)
    if "find" in case:
        return [plain(asdict(contract.find_verb(contracts, **case.pop("find"))))]
    arguments = case.pop("check", None)
    (only_one,) = contracts.values()
    return [plain(asdict(only_one)) if arguments is None else only_one.check(arguments)]


def for_services(case: dict[str, Any], root: Path) -> list[Any]:
    """``driver`` and ``args`` of a configured service."""
    return [registry.get("service", case.pop("driver"))(case.pop("args"), "services.app").entry()]


ENGINES = {
    "config": for_config,
    "discovery": for_discovery,
    "inventory": for_inventory,
    "events": for_events,
    "contract": for_contract,
    "services": for_services,
}
