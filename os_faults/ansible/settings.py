"""Ansible's settings for a run: the content of its ``ansible.cfg``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import MappingProxyType

from os_faults.config import SshConfig

# Measured: keep-alive ends a connection to a frozen or rebooted host after about 2 x 5 s instead of never,
# and GSSAPI costs a name look-up per connection.
_SSH_ARGS = (
    "-o ControlMaster=auto -o ControlPersist={persist}s -o ServerAliveInterval=5 -o ServerAliveCountMax=2 "
    "-o GSSAPIAuthentication=no"
)


_DEFAULTS = MappingProxyType(
    {
        "gathering": "explicit",
        # A host's facts stay under `ansible_facts`: as variables they could redirect its next task.
        "inject_facts_as_vars": "False",
        "host_key_checking": "True",
        "deprecation_warnings": "False",
        "localhost_warning": "False",
        "retry_files_enabled": "False",
        "nocows": "True",
        # The user's own tasks find their collections and roles in the usual places.
        "collections_path": "~/.ansible/collections:/usr/share/ansible/collections",
        "roles_path": "~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles",
        # The main process polls its workers this often (seconds); 1 ms, the default, costs a tenth of a core.
        "internal_poll_interval": "0.01",
    }
)


def settings(
    ssh: SshConfig, private: Path | str, library: Iterable[Path | str], module_utils: Path | str, persist: int
) -> str:
    """Return the content of an ``ansible.cfg``.

    Args:
        ssh: connection settings.
        private: directory of ssh's control sockets and of Ansible's own files.
        library: directories of modules.
        module_utils: directory of their shared code.
        persist: seconds for which a connection stays open after its last use.
    """
    defaults = {
        **_DEFAULTS,
        # Not the user's ~/.ansible: it may be missing or full, and its plugins would take precedence over ours.
        "home": f"{private}/ansible",
        "timeout": str(ssh.connect_timeout),
        "library": os.pathsep.join(map(str, library)).replace("%", "%%"),
        "module_utils": str(module_utils).replace("%", "%%"),
    }
    connection = {
        "pipelining": "True",
        "ssh_args": _SSH_ARGS.format(persist=persist),
        "control_path_dir": str(private),
        "control_path": "%(directory)s/%%C",
        # A repeated kill would be a second fault.
        "retries": "0",
        "usetty": "False",
    }
    sections = {"defaults": defaults, "connection": {"pipelining": "True"}, "ssh_connection": connection}
    return "".join(
        f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())
        for section, values in sections.items()
    )
