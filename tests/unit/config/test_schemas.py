"""What the schemas of configurations refuse, all of them by one rule each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from os_faults import registry
from os_faults.config import check
from os_faults.config.schema import AUTH, SCHEMA
from os_faults.drivers.power.libvirt import LibvirtPower
from os_faults.drivers.power.redfish import RedfishPower
from os_faults.errors import ConfigError

SCHEMAS = [SCHEMA, AUTH, *(registry.get(kind, name).SCHEMA for kind in registry.KINDS for name in registry.names(kind))]

#: Description of a value that must fit a pattern → values that fit it. Whoever adds a pattern adds an example.
GOOD = {
    "a number of nodes (3), a share of them (50%), or a list of such limits": ["3", "50%", "100%"],
    "a number of nodes (3) or a share of them (50%)": ["3", "50%"],
    "a name on the PATH of the worker, or an absolute path": ["ansible-runner", "/opt/a/bin/ansible-runner"],
    "a name, or a pattern with '*', '?' or '[…]'": ["node-1", "rack-[!2]-*.domain.tld"],
    "an address or a host name": ["10.0.0.2", "fe80::1%eth0", "node-1.local"],
    "a plain name (letters, digits, '.', '-', '_')": ["node-1.local", "x"],
    "the name of an interface": ["eth0", "br-ex", "eth0.100@if7"],
    "a MAC address such as '52:54:00:12:34:56'": ["52:54:00:AA:bb:01"],
    "the name or UUID of a domain": ["node 1", "6695eb01-f6a4-8304-79aa-97f2502e193f"],
    "a user name without spaces, braces or '%'": ["root", r"DOMAIN\\user", "me@domain"],
    "a user name (letters, digits, '.', '-', '_', '@', '+')": ["root", "me@domain.tld"],
    "the absolute path of Python on the node, without spaces or special characters of a shell": ["/usr/bin/python3.11"],
    "the name of a become plugin, such as sudo": ["sudo", "community.general.doas"],
    "the name of a service": ["nova-api", "a@b"],
    "a plain name": ["n-api", "_x"],
    "the name of a systemd unit; shell patterns are allowed": ["devstack@n-*", r"a\\x2db.service"],
    "the name of a resource of Pacemaker": ["p_mysqld"],
    "the absolute path of a file": ["/run/web.pid"],
    "a URL without a path, such as 'https://10.30.0.2:8443'": ["https://10.30.0.2:8443", "https://[fd00::1]/"],
    "the identity of a system, without spaces or braces": ["437XR1138R2"],
    "a libvirt URI such as 'qemu+ssh://root@kvm.local/system'": [
        "qemu:///system",
        "qemu+ssh://root@kvm.local:2222/system?no_tty=1&keyfile=/root/.ssh/id",
        "test:///home/me@here/domains.xml",
    ],
    "a function of Salt and its arguments in one line, without braces": ["pillar.get _param:single_address"],
    "a regular expression, without what Ansible would evaluate": ["^(cmp|ctl)[0-9]{2}$"],
    "the name of a container": ["nova_api"],
    "one argument of ssh": ["-o", "ProxyCommand=nc gate %h %p"],
}


def with_pattern(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema
        for part in schema.values():
            yield from with_pattern(part)


PATTERNS = {str(part["description"]): part for schema in SCHEMAS for part in with_pattern(schema)}


def test_every_pattern_has_an_example() -> None:
    assert PATTERNS.keys() == GOOD.keys()


@pytest.mark.parametrize(("description", "good"), [(words, good) for words in GOOD for good in GOOD[words]])
def test_a_pattern_is_about_the_whole_value(description: str, good: str) -> None:
    check(good, PATTERNS[description])
    for wrong in (f"{good}\n", f"\n{good}", f"{good}\n{good}"):
        with pytest.raises(ConfigError, match="must be "):
            check(wrong, PATTERNS[description])


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("^a$", "a", True),
        ("^a$", "a\n", False),
        ("^(a$|b)", "a\n", False),
        (r"^a\$", "a$", True),
        ("^[$]$", "$", True),
        ("^[$]$", "$\n", False),
        ("^[]$]$", "]", True),
        (r"^[\]$]$", "$", True),
        ("a", "xax", True),
    ],
)
def test_the_dollar_of_a_pattern_is_the_end(pattern: str, value: str, fits: bool) -> None:
    """Also in the schema of a driver from elsewhere; to Python alone it is the place before a last line break too."""
    schema = {"type": "string", "pattern": pattern, "description": "so"}
    if fits:
        check(value, schema)
    else:
        with pytest.raises(ConfigError):
            check(value, schema)


@pytest.mark.parametrize(
    "wrong", ["/usr/bin/python3; id", "/usr/bin/env python3", "/x$(id)", "/x`id`", "/x|y", "python3"]
)
def test_python_on_a_node_is_a_plain_path(wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"^python_interpreter must be the absolute path of Python"):
        check({"python_interpreter": wrong}, AUTH)


@pytest.mark.parametrize("wrong", ["$(id)", "a;id", "a b", "-a", "a'b", "`id`", "a|b", "root\n"])
@pytest.mark.parametrize(
    ("schema", "key", "others"),
    [
        (AUTH, "become_username", {}),
        (registry.get("service", "screen").SCHEMA, "user", {"window_name": "n-api", "grep": "nova"}),
    ],
)
def test_a_user_whom_a_shell_reads_has_a_plain_name(
    schema: dict[str, Any], key: str, others: dict[str, str], wrong: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^{key} must be a user name"):
        check({key: wrong, **others}, schema)


@pytest.mark.parametrize("name", ["-x", "--config-dir=x"])
def test_a_name_is_no_option_of_a_program(name: str) -> None:
    with pytest.raises(ConfigError):
        registry.get("service", "salt_service")({"salt_service": name, "grep": "x"})
    with pytest.raises(ConfigError):
        registry.get("service", "screen")({"window_name": name, "grep": "x"})


HTTP = {"url": "http://10.30.0.2", "username": "admin", "password": "x"}


@pytest.mark.parametrize(
    ("args", "place"),
    [
        (HTTP, "power.url"),
        ({"fqdn_to_bmc": {"n1": HTTP}}, "power.fqdn_to_bmc.n1.url"),
        (
            {"mac_to_bmc": {"52:54:00:12:34:56": {**HTTP, "insecure_http": False}}},
            "power.mac_to_bmc.52:54:00:12:34:56.url",
        ),
    ],
)
def test_a_password_goes_in_clear_only_where_the_configuration_says_so(args: dict[str, Any], place: str) -> None:
    with pytest.raises(ConfigError) as refused:
        RedfishPower(args, "power")
    assert str(refused.value).startswith(f"{place}: over http the password goes in clear; use https, or write")
    RedfishPower({**HTTP, "insecure_http": True})
    RedfishPower({"fqdn_to_bmc": {"n1": {**HTTP, "insecure_http": True}}})


def test_a_user_of_libvirt_is_only_a_user() -> None:
    """A name with the marks of a URI would else bring a host and a command of its own."""
    driver = LibvirtPower({"address": "kvm.local", "username": "h/system?command=/tmp/evil#"})
    assert driver.connection_uri == "qemu+ssh://h%2Fsystem%3Fcommand%3D%2Ftmp%2Fevil%23@kvm.local/system"
