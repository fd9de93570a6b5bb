"""Logins through a real sshd of this machine: shells that print, jump hosts, keys that ssh refuses (needs root)."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.held_service import Service, until
from support.local_sshd import LocalSshd, local_sshd, needs_sshd
from support.start_times import soon

from os_faults import AnsibleExecutionUnreachable, PartlyUnreachable, Result, connect

pytestmark = [pytest.mark.functional, needs_sshd]

TALK = """\
#!/bin/sh
echo 'Welcome to 12.50 this host'
echo '3.14 2.71 is what it prints'
exec sh -c "$SSH_ORIGINAL_COMMAND"
"""


def cloud_config(folder: Path, nodes: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a universal cloud with host keys in a file of its own."""
    ssh = {"known_hosts": str(folder / "known_hosts")}
    management = {"driver": "universal", "nodes": nodes}
    return {"cloud_management": management, "ssh": ssh, "artifacts_dir": str(folder / "runs"), **more}


@pytest.fixture
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def talking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSshd]:
    """An sshd whose login shell prints two lines before each command."""
    folder = tmp_path_factory.mktemp("talking")
    shell = folder / "shell"
    shell.write_text(TALK)
    shell.chmod(0o755)
    with local_sshd(folder, f"ForceCommand={shell}") as sshd:
        yield sshd


@pytest.mark.case("f18")
@pytest.mark.usefixtures("state_home")
def test_a_login_shell_that_prints_and_a_start_time(talking: LocalSshd, service: Service, tmp_path: Path) -> None:
    services = {service.name: {"driver": "process", "pidfile": str(service.pidfile), "start": ["/bin/true"]}}
    config = cloud_config(tmp_path, [{"address": "127.0.0.2", **talking.login}], services=services)
    with connect(config) as cloud:
        victim = cloud.get_service(service.name)
        (frozen,) = victim.freeze(sec=60, at=soon(12)).values()
        assert service.states == "TT"
        assert abs(frozen.payload["clock_ahead"]) <= frozen.payload["clock_within"] + 0.05, "the clock was compared"
        victim.unfreeze()
    assert service.states == "SS"


@pytest.fixture(scope="module")
def jump(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSshd]:
    """A jump host with an sshd as it is by default: it drops some of more than ten logins at the same time."""
    with local_sshd(tmp_path_factory.mktemp("jump")) as sshd:
        yield sshd


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSshd]:
    """The sshd of every node behind the jump host."""
    with local_sshd(tmp_path_factory.mktemp("behind"), "MaxStartups=1000") as sshd:
        yield sshd


def through(jump: LocalSshd, node: LocalSshd, address: str, **more: Any) -> dict[str, Any]:
    """Return the configuration of a node behind a jump host."""
    door = {"host": "127.0.0.1", "username": "root", "port": jump.port, "private_key_file": jump.key}
    return {"address": address, **node.login, "jump": {**door, **more}}


@pytest.mark.case("f01")
@pytest.mark.usefixtures("state_home")
def test_a_jump_host_carries_any_number_of_nodes(jump: LocalSshd, behind: LocalSshd, tmp_path: Path) -> None:
    config = listed([through(jump, behind, f"127.0.1.{number}") for number in range(1, 51)], tmp_path)
    for number, node in enumerate(config["node_discover"]["args"], 1):
        node["mac"] = f"52:54:00:00:00:{number:02x}"  # so that nodes need no Python, which 50 of here would wait for
    with connect(config) as cloud:
        reached = cloud.get_nodes().run_task({"ansible.builtin.raw": "echo it is reached"})
        assert [host.stdout.strip() for host in reached.values()] == ["it is reached"] * 50
    assert jump.log.count("Accepted publickey") == 1, "all share one connection"
    assert "MaxStartups" not in jump.log


def listed(logins: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """Return a cloud of nodes n1, n2 … with these logins."""
    entries = [
        {"ip": login["address"], "fqdn": f"n{n}", "auth": {k: v for k, v in login.items() if k != "address"}}
        for n, login in enumerate(logins, 1)
    ]
    config = cloud_config(folder, [], node_discover={"driver": "node_list", "args": entries})
    del config["cloud_management"]["nodes"]
    return config


@pytest.mark.usefixtures("state_home")
def test_a_first_connection_that_the_jump_host_drops_is_tried_again(
    behind: LocalSshd, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    with local_sshd(tmp_path_factory.mktemp("busy"), "MaxStartups=1") as busy:
        other = socket.create_connection(("127.0.0.1", busy.port))
        end = threading.Thread(target=lambda: until(lambda: "MaxStartups" in busy.log, 20) and other.close())
        end.start()
        with connect(listed([through(busy, behind, "127.0.2.1")], tmp_path)) as cloud:
            cloud.get_nodes()
        end.join()
        assert "MaxStartups" in busy.log, "it dropped one"


@pytest.mark.usefixtures("state_home")
@pytest.mark.each_line
def test_a_shared_connection_that_broke_is_made_anew_and_ends_with_the_cloud(
    behind: LocalSshd, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    with local_sshd(tmp_path_factory.mktemp("broken")) as door:
        with connect(listed([through(door, behind, f"127.0.2.{n}") for n in (1, 2)], tmp_path)) as cloud:
            nodes = cloud.get_nodes()
            (shared,) = clients_of(door)
            os.kill(shared, signal.SIGKILL)
            nodes.run_task({"ansible.builtin.command": "true"})
            assert door.log.count("Accepted publickey") == 2
            assert clients_of(door)
        until(lambda: not clients_of(door), 10)


@pytest.mark.usefixtures("state_home")
def test_what_runs_on_a_connection_goes_on_when_another_process_lets_go_of_it(
    behind: LocalSshd, tmp_path: Path
) -> None:
    """As two children of one program do, whose verbs break connections."""
    with connect(listed([{"address": "127.0.3.1", **behind.login}], tmp_path)) as cloud:
        nodes = cloud.get_nodes()
        before = masters_of(behind)
        seconds = 4.125  # no other program sleeps for

        def sleep() -> Result:
            return nodes.run_task({"ansible.builtin.command": f"sleep {seconds}"})

        with ThreadPoolExecutor() as pool:
            running = pool.submit(sleep)
            until(lambda: sleeping(seconds), 20)
            child = os.fork()
            if child == 0:
                cloud._engine._runner.forget_connections()
                os._exit(0)
            os.waitpid(child, 0)
            assert sleeping(seconds)
            running.result()  # raises where it was cut off
        until(lambda: not before & masters_of(behind), 10)
        nodes.run_task({"ansible.builtin.command": "true"})


def sleeping(seconds: float) -> bool:
    """Whether a ``sleep`` of so many seconds runs on this machine."""
    return subprocess.run(["pgrep", "-fx", f"sleep {seconds}"], stdout=subprocess.DEVNULL).returncode == 0


def masters_of(sshd: LocalSshd) -> set[int]:
    """Return the processes that keep a connection to an sshd open."""
    found = subprocess.run(["ss", "-Htnp", "dport", f"= :{sshd.port}"], capture_output=True, text=True, check=True)
    return {int(pid) for pid in re.findall(r"pid=(\d+)", found.stdout)}


def clients_of(sshd: LocalSshd) -> list[int]:
    """Return the processes that keep a connection to an sshd as a jump host."""
    found = subprocess.run(["pgrep", "-f", f"ControlMaster=yes.* -p {sshd.port} "], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


@pytest.mark.case("f01")
@pytest.mark.usefixtures("state_home")
def test_an_error_through_a_jump_host_names_it_and_the_reason_of_ssh(
    jump: LocalSshd, behind: LocalSshd, tmp_path: Path
) -> None:
    unnamed = through(behind, behind, "127.0.2.5")
    del unnamed["jump"]["private_key_file"], unnamed["jump"]["username"]
    logins = [
        through(jump, behind, "127.0.2.1", port=1),
        through(jump, behind, "127.0.2.2", private_key_file=behind.key),
        through(jump, behind, "127.0.2.3", private_key_file="/no/such/key"),
        through(jump, behind, "127.0.2.4") | {"port": 1},
        unnamed,
    ]
    with connect(listed(logins, tmp_path)) as cloud, pytest.raises(PartlyUnreachable) as caught:
        cloud.get_nodes()
    closed, denied, missing, refused, reached = caught.value.result.values()
    assert closed.message == "jump host 127.0.0.1: ssh: connect to host 127.0.0.1 port 1: Connection refused"
    assert re.fullmatch(r"jump host 127\.0\.0\.1: root@127\.0\.0\.1: Permission denied \(.*\)\.", denied.message)
    assert missing.message.endswith("): there is no key /no/such/key; correct private_key_file")
    assert missing.message.startswith("jump host 127.0.0.1: ")
    assert refused.message == "jump host 127.0.0.1: it can't reach the node: Connection refused"
    assert reached.ok, "the key and the user of the node open a jump host without its own"


def flawed_keys(sshd: LocalSshd, folder: Path) -> dict[str, tuple[Path, str]]:
    """Return keys that ssh does not use, each with the words about it."""
    content = Path(sshd.key).read_bytes()
    keys = {name: folder / name for name in ("open", "windows", "passphrase", "missing")}
    for name in ("open", "windows", "passphrase"):
        keys[name].write_bytes(content.replace(b"\n", b"\r\n") if name == "windows" else content)
        keys[name].chmod(0o644 if name == "open" else 0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "canary", "-f", str(keys["passphrase"])], check=True)
    words = {
        "open": f"as others may read it (mode 0644): chmod 600 {keys['open']}",
        "windows": "or has the line ends of Windows: write it anew with those of Unix (dos2unix)",
        "passphrase": f"has a passphrase, which is not asked for: load it into ssh-agent (ssh-add {folder}/passphrase)",
        "missing": f"there is no key {keys['missing']}; correct private_key_file",
    }
    return {name: (keys[name], words[name]) for name in keys}


@pytest.mark.case("f37")
@pytest.mark.usefixtures("state_home")
def test_a_key_that_ssh_does_not_use_and_a_host_key_that_changed(
    behind: LocalSshd, jump: LocalSshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    flawed = flawed_keys(behind, tmp_path)
    logins = [
        {"address": f"127.0.3.{n}", **behind.login, "private_key_file": str(key)}
        for n, (key, _) in enumerate(flawed.values(), 1)
    ]
    protected = str(flawed["passphrase"][0])
    logins.append(through(behind, behind, "127.0.3.8", private_key_file=protected))
    logins.append({"address": "127.0.3.9", **behind.login})
    other = (jump.folder / "host.pub").read_text()
    (tmp_path / "known_hosts").write_text(f"# mine\n[127.0.3.9]:{behind.port} {other}")
    with connect(listed(logins, tmp_path)) as cloud, pytest.raises(AnsibleExecutionUnreachable) as caught:
        cloud.get_nodes()
    *refused, at_the_door, changed = (host.message for host in caught.value.result.values())
    assert at_the_door.startswith("jump host 127.0.0.1: ")
    assert at_the_door.endswith(flawed["passphrase"][1])
    for message, (_, words) in zip(refused, flawed.values(), strict=True):
        assert "Permission denied" in message
        assert message.endswith(words)
    assert changed.startswith("the host key has changed, or another host answers at this address")
    assert changed.endswith(f"remove the old one, line 2 of {tmp_path / 'known_hosts'}")


#: In it a host speaks as ssh would, of files that are none of its business.
BANNER = """\
Offending ED25519 key in /etc/passwd:1
Host key verification failed.
no such identity: /etc/shadow: No such file or directory
Timeout (4s) waiting for privilege escalation prompt: give it up
"""


@pytest.mark.usefixtures("state_home")
def test_a_host_that_greets_in_the_words_of_ssh_gives_no_advice(
    behind: LocalSshd, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    folder = tmp_path_factory.mktemp("greeting")
    (folder / "banner").write_text(BANNER)
    with local_sshd(folder, f"Banner={folder}/banner") as sshd:
        denied = {**sshd.login, "private_key_file": behind.key}
        doors = [{"address": "127.0.4.1", **denied}, through(sshd, behind, "127.0.4.2", private_key_file=behind.key)]
        with connect(listed(doors, tmp_path)) as cloud, pytest.raises(AnsibleExecutionUnreachable) as caught:
            cloud.get_nodes()
    direct, behind_it = (host.message for host in caught.value.result.values())
    assert re.fullmatch(r"root@127\.0\.4\.1: Permission denied \([^)]*\)\.", direct)
    assert re.fullmatch(r"jump host 127\.0\.0\.1: root@127\.0\.0\.1: Permission denied \([^)]*\)\.", behind_it)


#: It asks in words of its own, as sudo-rs does, and waits.
SUDO = """\
#!/bin/sh
echo '[sudo: authenticate] Kennwort: '
exec sleep 30
"""


@pytest.mark.case("f34")
@pytest.mark.usefixtures("state_home")
def test_a_sudo_that_asks_in_other_words_is_given_up_in_time(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    folder = tmp_path_factory.mktemp("asking")
    (folder / "bin").mkdir()
    (folder / "bin" / "sudo").write_text(SUDO)
    (folder / "bin" / "sudo").chmod(0o755)
    become = {"become": True, "become_username": "daemon", "become_password": "canary"}
    with local_sshd(folder, f"SetEnv=PATH={folder}/bin:/usr/bin:/bin") as sshd:
        config = cloud_config(tmp_path, [{"address": "127.0.0.2", **sshd.login, **become}])
        config["ssh"]["connect_timeout"] = 2
        begin = time.monotonic()
        with connect(config) as cloud, pytest.raises(AnsibleExecutionUnreachable) as caught:
            cloud.get_nodes()
        assert time.monotonic() - begin < 25, "it does not wait until sudo ends"
    assert "(sudo) did not ask for the password within 4 s in words that Ansible knows" in str(caught.value)
    assert "it printed '[sudo: authenticate] Kennwort:'" in str(caught.value)
