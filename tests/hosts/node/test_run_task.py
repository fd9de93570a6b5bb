"""A task of Ansible on nodes."""

from __future__ import annotations

from hostlab.observer import Host

from os_faults import Cloud


def test_run_task(cloud: Cloud, node_2: Host, node_3: Host) -> None:
    nodes = cloud.get_nodes(fqdns=[node_2.fqdn, node_3.fqdn])
    path = "/root/from os_faults; it's a task"
    content = "{{ not_a_template }} $HOME"
    nodes.run_task({"ansible.builtin.copy": {"dest": path, "content": "{% raw %}" + content + "{% endraw %}"}})
    try:
        for host in (node_2, node_3):
            assert host.sh(f'cat "{path}"') == content
    finally:
        nodes.run_task({"ansible.builtin.file": {"path": path, "state": "absent"}})
    for host in (node_2, node_3):
        assert host.sh(f'ls "{path}" 2>/dev/null; true') == ""
    result = nodes.run_task({"ansible.builtin.command": {"argv": ["hostname", "-f"]}})
    assert {name: result[name].stdout for name in result} == {name: name for name in nodes.get_fqdns()}
