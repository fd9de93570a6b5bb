"""Arguments of ssh are understood as ssh understands them."""

from __future__ import annotations

from typing import Any

import pytest

from os_faults.drivers.cloud.ssh_args import login_of

GATE = {"host": "gate"}
LOGINS: dict[str, dict[str, Any]] = {
    "-Ci /k": {"private_key_file": "/k", "ssh_args": ["-C"]},
    "-Ci/k": {"private_key_file": "/k", "ssh_args": ["-C"]},
    "-vJ gate": {"jump": GATE, "ssh_args": ["-v"]},
    "-4Cp 2222": {"port": 2222, "ssh_args": ["-4", "-C"]},
    "-vo Port=2222": {"port": 2222, "ssh_args": ["-v"]},
    "-AC": {"ssh_args": ["-A", "-C"]},
    "-o 'ProxyCommand ssh -qW %h:%p gate'": {"jump": GATE},
    "-o ProxyCommand='ssh -q -W %h:%p -p 22 -i /k gate'": {"jump": {**GATE, "port": 22, "private_key_file": "/k"}},
    "-J a,b": {"ssh_args": ["-J", "a,b"]},
}


@pytest.mark.parametrize("arguments", LOGINS)
def test_options_become_a_login(arguments: str) -> None:
    assert login_of(arguments) == (LOGINS[arguments], [])


def test_an_option_of_a_proxy_command_that_is_not_used_is_named() -> None:
    command = "ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -W %h:%p gate"
    login, unused = login_of(f"-o ProxyCommand='{command}' -o StrictHostKeyChecking=no")
    assert login == {"jump": GATE}
    assert unused == [
        "StrictHostKeyChecking=no (in ProxyCommand)",
        "UserKnownHostsFile=/dev/null (in ProxyCommand)",
        "StrictHostKeyChecking=no",
    ]


def test_a_proxy_command_that_is_kept_drops_nothing() -> None:
    command = "ssh -o StrictHostKeyChecking=no -L 1:a:2 -W %h:%p gate"
    assert login_of(f"-o ProxyCommand='{command}'") == ({"ssh_args": ["-o", f"ProxyCommand={command}"]}, [])


@pytest.mark.parametrize(
    "arguments", ["-o Port=x", "-p x", "-p", "-o Port", "-o ProxyCommand='ssh -W %h:%p -p x gate'"]
)
def test_a_port_that_is_no_number_is_refused_in_a_sentence(arguments: str) -> None:
    with pytest.raises(ValueError, match=r"^a port for ssh must be a number, got: '(x|)'$"):
        login_of(arguments)
