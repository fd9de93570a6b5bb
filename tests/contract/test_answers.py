"""The shapes by which answers are read are what the modules document that they return."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from os_faults import resources
from os_faults.actions import answers

SHAPES: dict[str, Any] = resources.read_yaml(Path(answers.__file__).with_name("shapes.yml"))["modules"]
#: With ``power`` it passes on what a power module has answered.
PASSED_ON = {"osf_answer": {"previous_state", "power_state", "domain", "uuid", "matched_by", "bmc", "system"}}


def returned_by(module: str) -> dict[str, dict[str, Any]]:
    tree = ast.parse((resources.modules_dir() / f"{module}.py").read_text())
    (text,) = (
        node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "RETURN"
    )
    found: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return found


def test_every_module_has_a_shape() -> None:
    assert set(SHAPES) == {path.stem for path in resources.modules_dir().glob("osf_*.py")}


@pytest.mark.parametrize("module", SHAPES)
def test_a_shape_has_what_the_module_documents(module: str) -> None:
    documented, shape = returned_by(module), SHAPES[module]
    assert set(shape["properties"]) == set(documented) | PASSED_ON.get(module, set())
    always = {key for key, about in documented.items() if about["returned"] == "always"}
    success = {key for key, about in documented.items() if about["returned"] == "success"}
    assert always <= set(shape["required"]) <= always | success


@pytest.mark.parametrize("module", SHAPES)
def test_the_sample_of_the_documentation_fits(module: str) -> None:
    sample = {key: about["sample"] for key, about in returned_by(module).items() if "sample" in about}
    if sample:
        answers.read(module, sample, succeeded=False)
