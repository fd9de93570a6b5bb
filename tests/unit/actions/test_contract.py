"""Python and Ansible refuse a bad argument in the same words, whichever core is installed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from os_faults.actions.contract import Contract, Option
from os_faults.errors import ArgumentError

VALUES: list[Any] = [
    "soon",
    "",
    "30",
    " 30 ",
    "30.0",
    "30.5",
    30,
    30.0,
    -1,
    1.5,
    True,
    False,
    "yes",
    "No",
    "perhaps",
    "a,b",
    "a=1, b=2",
    "a=1 b",
    '{"a": 1}',
    "{broken",
    ["a"],
    {"a": 1},
]


def ansibles_verdict(spec: dict[str, Any], arguments: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    result = ArgumentSpecValidator({key: dict(option) for key, option in spec.items()}).validate(arguments)
    messages = [message.split(" Valid booleans include: ")[0] for message in result.error_messages]  # in random order
    return messages, {key: result.validated_parameters[key] for key in arguments}


def our_verdict(spec: dict[str, Any], arguments: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    options = {
        name: Option(
            name,
            type=option.get("type", "str"),
            required=option.get("required", False),
            choices=tuple(option.get("choices", ())),
        )
        for name, option in spec.items()
    }
    try:
        return [], Contract("x.yml", "service", options=options).check(arguments)
    except ArgumentError as error:
        return str(error).split("; "), {}


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize("kind", ["str", "int", "float", "bool", "list", "dict", "raw"])
def test_types(kind: str, value: Any) -> None:
    theirs, converted = ansibles_verdict({"x": {"type": kind}}, {"x": value})
    ours, our_converted = our_verdict({"x": {"type": kind}}, {"x": value})
    assert ours == theirs
    if not theirs:
        assert our_converted == converted
        assert type(our_converted["x"]) is type(converted["x"])


def test_what_ansible_itself_stumbles_over() -> None:
    assert our_verdict({"x": {"type": "int"}}, {"x": "inf"})[0] == [
        "argument 'x' is of type str and we were unable to convert to int: \"'inf'\" cannot be converted to an int"
    ]


@pytest.mark.parametrize(
    ("spec", "arguments"),
    [
        ({"verb": {"choices": ["start", "kill"]}}, {"verb": "explode"}),
        ({"verb": {"choices": ["start", "kill"]}}, {"verb": "kill"}),
        ({"many": {"type": "list", "choices": ["a", "b"]}}, {"many": "a,c,d"}),
        ({"level": {"type": "int", "choices": [1, 2]}}, {"level": "3"}),
        ({"b": {"required": True}, "a": {"required": True}}, {}),
        ({"service": {"required": True}, "verb": {"choices": ["start"]}}, {"verb": "stop"}),
    ],
)
def test_choices_and_required(spec: dict[str, Any], arguments: dict[str, Any]) -> None:
    assert our_verdict(spec, arguments)[0] == ansibles_verdict(spec, arguments)[0]


@pytest.mark.parametrize(
    "value", ["31536001", 31536001, 10**18, "9" * 5000, "²", "٣", "-1", "1e3", 0, "0", "nan", True]
)
@pytest.mark.parametrize("kind", ["duration", "duration|never"])
def test_a_time_is_at_most_a_year(kind: str, value: Any) -> None:
    with pytest.raises(ArgumentError, match="value of seconds must be "):
        Option("seconds", type=kind).convert(value)


@pytest.mark.parametrize("value", [10**400, "1e400", float("inf"), float("nan"), 2**60])
@pytest.mark.parametrize("kind", ["int", "float"])
def test_a_number_is_one_that_every_program_reads(kind: str, value: Any) -> None:
    contract = Contract("x.yml", "node", options={"x": Option("x", type=kind)})
    with pytest.raises(ArgumentError):
        contract.check({"x": value})
