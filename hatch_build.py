"""Puts the Ansible modules beside the playbooks in the wheel, where the checkout has symbolic links."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ModulesBesidePlaybooks(BuildHookInterface):
    """ansible_modules/*.py → playbooks/library, ansible_modules/module_utils → playbooks/module_utils."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return  # the checkout is used as it is; a copy would grow stale
        modules = Path(self.root) / "ansible_modules"
        for path in sorted(modules.rglob("*")):
            inside = path.relative_to(modules)
            if not path.is_file() or "__pycache__" in inside.parts or path.suffix == ".pyc":
                continue
            folder = "" if inside.parts[0] == "module_utils" else "library/"
            build_data["force_include"][str(path)] = f"os_faults/playbooks/{folder}{inside.as_posix()}"
