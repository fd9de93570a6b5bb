"""The common part of clouds with a master that knows the nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from os_faults.config import auth_of
from os_faults.drivers import Directory
from os_faults.drivers.cloud.ssh import ARGUMENTS, SshCloud
from os_faults.model import Auth, Jump, Node

FLAG: Mapping[str, Any] = {"type": "boolean", "description": "true or false"}
MASTER_ARGUMENTS: Mapping[str, Any] = {
    **{key: value for key, value in ARGUMENTS.items() if key != "nodes"},
    "slave_direct_ssh": FLAG,
}


class MasterCloud(SshCloud):
    """A cloud with a master at ``address``, which lists the nodes and through which they are reached.

    Attributes:
        master: the master's name in the inventory.
    """

    master: ClassVar[str]
    list_playbook: ClassVar[str]
    root_by_default: ClassVar[bool] = True

    def directory(self) -> Directory | None:
        """Return the master, which lists the nodes; None when ``node_discover`` names them."""
        if self._seeds:
            return None
        master = Node(self.master, self._args["address"], auth=self._master_login())
        return Directory(master, self.list_playbook, self._question())

    def _question(self) -> Mapping[str, Any]:
        """Return the arguments of the playbook that asks the master."""
        return {}

    def _make_seeds(self) -> Iterable[Node]:
        return ()

    def _master_login(self) -> Auth:
        return auth_of(self._args, root_by_default=self.root_by_default, where=self._where)

    def _levels(self) -> list[Mapping[str, Any]]:
        """Return the levels of the nodes' login: that of the master, then their own keys."""
        return [self._args]

    def _node_login(self) -> Auth:
        """Return the login to the nodes: through the master, or directly with ``slave_direct_ssh``."""
        auth = auth_of(*self._levels(), root_by_default=self.root_by_default, where=self._where)
        if self._args.get("slave_direct_ssh", False):
            return auth
        master = self._master_login()
        jump = Jump(self._args["address"], master.username, master.private_key_file, master.port)
        return replace(auth, jump=auth.jump or jump)
