"""Templates that a warm start has compiled beforehand give what Ansible's own path gives."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from os_faults import resources
from os_faults.ansible.warm.templates import templates

pytestmark = pytest.mark.functional

PLAY = """
- hosts: all
  tasks:
    - osf_signal:
        name: "{{ name | default(omit) }}"
        force: "{{ force }}"
        text: "{{ 'a' ~ name }} of {{ items | length }}"
        path: "{{ items | map('regex_replace', '^(.)', '<\\\\1>') | list }}"
        plain: no template
"""
VARIABLES = {"name": "keystone", "force": True, "items": ["x", "y"]}
# Ansible is changed for the whole of a process, so this is one of its own: each template, what it gives before and
# after, and how many of them Jinja has then compiled.
PROGRAM = """
import json, sys
from pathlib import Path
from ansible.parsing.dataloader import DataLoader
from ansible.plugins import loader
from ansible.template import Templar, trust_as_template
import jinja2
from os_faults.ansible.warm.templates import compile_beforehand, templates

loader.init_plugin_loader()
playbooks, variables, more = Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
every = [*sorted(templates(playbooks)), *more]
compiled = []
own = jinja2.Environment.compile
jinja2.Environment.compile = lambda self, source, *a, **k: compiled.append(str(source)) or own(self, source, *a, **k)

def give():
    return [Templar(loader=DataLoader(), variables=variables).template(trust_as_template(each)) for each in every]

before = give()
count = compile_beforehand(playbooks)
compiled.clear()
print(json.dumps({"count": count, "every": every, "before": before, "after": give(), "compiled": compiled}))
"""


def tried(playbooks: Path, *more: str) -> dict[str, Any]:
    argv = [sys.executable, "-c", PROGRAM, str(playbooks), json.dumps(VARIABLES), json.dumps(more)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture
def playbooks(tmp_path: Path) -> Path:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks/play.yml").write_text(PLAY)
    return tmp_path


def test_what_is_known_gives_the_same_and_is_not_compiled_again(playbooks: Path) -> None:
    found = tried(playbooks)
    assert found["after"] == found["before"]
    assert "akeystone of 2" in found["after"]
    assert True in found["after"]
    assert ["<x>", "<y>"] in found["after"]
    assert found["count"] == len(found["every"]) - 1, "a backslash may be read in two ways"
    assert [each for each in found["compiled"] if "\\" not in each] == []


def test_what_is_not_known_or_has_marks_of_its_own_is_compiled_by_ansible(playbooks: Path) -> None:
    other = "#jinja2: variable_start_string:'[%', variable_end_string:'%]'\n{{ force }} [% name %]"
    found = tried(playbooks, "{{ name | upper }}", other)
    assert found["after"] == found["before"]
    assert found["after"][-2:] == ["KEYSTONE", "{{ force }} keystone"]
    assert len([each for each in found["compiled"] if "\\" not in each]) == 2


def test_ours_are_found_and_compiled() -> None:
    ours = templates(resources.playbooks_dir())
    assert "{{ os_faults_definition.pidfile | default(omit) }}" in ours
    program = f"""
from pathlib import Path
from ansible.plugins import loader
from os_faults.ansible.warm.templates import compile_beforehand
loader.init_plugin_loader()
print(compile_beforehand(Path({str(resources.playbooks_dir())!r})))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len([each for each in ours if "\\" not in each])
