# What the modules use of Ansible's file of this name.
from ansible.module_utils.os_faults import basic

class AnsibleModule(basic.AnsibleModule):
    tmpdir: str
    _diff: bool

def missing_required_lib(library: str, reason: str | None = None, url: str | None = None) -> str: ...
