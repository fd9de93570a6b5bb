"""Every Ansible module is documented, and its documentation says what its argument spec says."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "ansible_modules"
MODULES = sorted(path.stem for path in FOLDER.glob("osf_*.py"))

OWN_MEANING = {("osf_answer", "boot_id_before"), ("osf_answer", "timeout"), ("osf_libvirt_snapshot", "name")}
"""Options with another meaning than the same option of other modules."""


class Captured(Exception):
    """Carries what a module gives to AnsibleModule; nothing of the module runs after it."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        super().__init__("captured")
        self.arguments = arguments


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"under_test_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def arguments_of(module: Any) -> dict[str, Any]:
    """Return the keyword arguments that the module's main() gives to AnsibleModule."""

    def capture(_self: object, argument_spec: dict[str, Any], **others: Any) -> None:
        raise Captured({"argument_spec": argument_spec, **others})

    with patch("ansible.module_utils.basic.AnsibleModule.__init__", capture), pytest.raises(Captured) as caught:
        module.main()
    return caught.value.arguments


def comparable(options: dict[str, Any], nested: str) -> dict[str, Any]:
    """Return what documentation and argument spec must agree on."""
    return {
        name: {
            "type": option.get("type", "str"),
            "elements": option.get("elements"),
            "required": bool(option.get("required", False)),
            "default": option.get("default"),
            "choices": list(option["choices"]) if option.get("choices") else None,
            "aliases": sorted(option.get("aliases", [])),
            "options": comparable(option[nested], nested) if option.get(nested) else None,
        }
        for name, option in options.items()
    }


def test_there_are_modules() -> None:
    assert MODULES


@pytest.mark.parametrize("name", MODULES)
def test_documentation_mirrors_the_argument_spec(name: str) -> None:
    module = load(name)
    documented = yaml.safe_load(module.DOCUMENTATION)
    arguments = arguments_of(module)
    promised = comparable(documented.get("options") or {}, "suboptions")
    assert promised == comparable(arguments["argument_spec"], "options")
    says = documented["attributes"]["check_mode"]["support"]
    assert (says in {"full", "partial"}) == arguments.get("supports_check_mode", False)


@pytest.mark.parametrize("name", MODULES)
def test_documentation_is_whole(name: str) -> None:
    module = load(name)
    documented = yaml.safe_load(module.DOCUMENTATION)
    assert documented["module"] == name
    assert documented["short_description"]
    for option in (documented.get("options") or {}).values():
        assert option["description"]
    for value in yaml.safe_load(module.RETURN).values():
        assert value["description"]
        assert value["type"]
        assert value["returned"]
    examples = yaml.safe_load(module.EXAMPLES)
    assert all(name in task for task in examples), "every example is a task with this module"


def test_an_option_of_several_modules_has_one_text() -> None:
    """A documentation fragment would say it once, but ``ansible-doc -M`` finds no fragments beside the modules."""
    texts: dict[tuple[str, str], set[str]] = {}
    for name in MODULES:
        for option, about in (yaml.safe_load(load(name).DOCUMENTATION).get("options") or {}).items():
            spec = json.dumps(comparable({option: about}, "suboptions"), sort_keys=True)
            if (name, option) not in OWN_MEANING:
                texts.setdefault((option, spec), set()).add(str(about["description"]))
    assert {option: sorted(found) for (option, _), found in texts.items() if len(found) > 1} == {}


def test_what_the_modules_of_management_controllers_have_in_common_has_one_text() -> None:
    """Each documents itself, for want of fragments; a return value that only one of them has is its own."""
    ipmi, redfish = (load(name) for name in ("osf_ipmi_power", "osf_redfish_power"))
    said, too = (yaml.safe_load(module.DOCUMENTATION)["description"] for module in (ipmi, redfish))
    assert said == too[: len(said)]
    for key in ("attributes", "version_added", "author"):
        assert yaml.safe_load(ipmi.DOCUMENTATION)[key] == yaml.safe_load(redfish.DOCUMENTATION)[key]
    values, others = (yaml.safe_load(module.RETURN) for module in (ipmi, redfish))
    both = (values.keys() & others.keys()) - {"bmc"}
    assert {"previous_state", "power_state", "waited"} <= both
    assert {key: values[key] for key in both} == {key: others[key] for key in both}


@pytest.mark.parametrize("name", MODULES)
def test_examples_use_only_options_that_exist(name: str) -> None:
    module = load(name)
    options = set(arguments_of(module)["argument_spec"])
    required = {key for key, option in arguments_of(module)["argument_spec"].items() if option.get("required")}
    for task in yaml.safe_load(module.EXAMPLES):
        given = set(task[name] or {})
        assert given <= options
        assert required <= given


def test_ansible_doc_shows_every_module(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environ |= {"ANSIBLE_LIBRARY": str(FOLDER), "ANSIBLE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "doc", "--type", "module", "--json", *MODULES],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    shown = json.loads(done.stdout)
    assert sorted(shown) == MODULES
    for name in MODULES:
        assert shown[name]["doc"]["filename"] == str(FOLDER / f"{name}.py")
        assert shown[name]["return"]
        assert shown[name]["examples"]
