"""A host that answers what it likes: its "Python" runs each module, and alters the answer.

That is all that a compromised or broken host can do: answer. It is a node of a ``universal`` cloud with a local
connection, beside an honest one, and both are this machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

#: Stands for the Python of the host. Ansible gives it the module on its standard input.
PROGRAM = f"""#!{sys.executable}
import json, os, re, select, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
source = sys.stdin.buffer.read()
found = re.search(rb'run\\("(osf_[a-z_]+)", SOURCES|ansible/modules/(osf_[a-z_]+)|[^a-z_](osf_[a-z_]+)', source)
module = next(filter(None, found.groups())).decode() if found else ""
with open(os.path.join(HERE, "asked"), "a") as asked:
    asked.write(module + "\\n")
try:
    lies = json.load(open(os.path.join(HERE, "lies.json")))
except FileNotFoundError:
    lies = {{}}
lie = lies.get(module, lies.get("any", {{}}))
reader = select.poll()
reader.register(1, 0)
if reader.poll(lie.get("before", 0) * 1000):
    sys.exit(1)  # the run has ended: the module itself would see that nobody reads its answer, which goes through here
if "instead" in lie:
    answer = None
    text = lie["instead"]
else:
    run = subprocess.run([{sys.executable!r}, *sys.argv[1:]], input=source, stdout=subprocess.PIPE)
    answer = json.loads(run.stdout)
    for path, value in lie.get("put", []):
        place = answer
        for key in path[:-1]:
            place = place[key]
        if isinstance(value, dict) and "@" in value:
            value = eval(value["@"])
        place[path[-1]] = value
    text = json.dumps(answer)
text += lie.get("behind", "")
sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
sys.stdout.flush()
time.sleep(lie.get("after", 0))
"""


class Liar:
    """The Python of a lying host.

    Args:
        directory: where it lies, and what it is to answer.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(exist_ok=True)
        self.python = directory / "python"
        self.python.write_text(PROGRAM)
        self.python.chmod(0o755)

    def lies(self, **modules: dict[str, Any]) -> None:
        """Alter answers from now on: name of a module, or ``any`` for all others → how.

        ``put`` is a list of (path, value), where a value ``{"@": "…"}`` is an expression of Python; ``instead`` is the
        whole text of the answer, ``behind`` is printed after it; ``before`` and ``after`` are seconds to sleep.
        """
        (self.directory / "lies.json").write_text(json.dumps(modules))

    def asked(self) -> list[str]:
        """Return the modules that ran on the host, in order."""
        path = self.directory / "asked"
        return path.read_text().split() if path.exists() else []


class Ward:
    """A program that both hosts have, as a service of driver ``process``; each host its own.

    Args:
        directory: of its pid file.
    """

    def __init__(self, directory: Path) -> None:
        self.pidfile = directory / "web.pid"
        self.process = subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
        self.pidfile.write_text(f"{self.process.pid}\n")

    @property
    def state(self) -> str:
        """S sleeps, T is frozen, Z has ended."""
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def cloud_config(directory: Path, liar: Liar, **more: Any) -> dict[str, Any]:
    """Return the configuration of a cloud of an honest node (``good``) and a lying one (``evil``)."""
    name = f"web-{uuid.uuid4().hex[:8]}"
    return {
        "cloud_management": {"driver": "universal", "auth": {"connection": "local"}},
        "node_discover": {
            "driver": "node_list",
            "args": [
                {
                    "ip": "127.0.0.2",
                    "fqdn": "good",
                    "auth": {"connection": "local", "python_interpreter": sys.executable},
                },
                {
                    "ip": "127.0.0.3",
                    "fqdn": "evil",
                    "auth": {"connection": "local", "python_interpreter": str(liar.python)},
                },
            ],
        },
        "services": {
            name: {"driver": "process", "args": {"pidfile": str(directory / "web.pid"), "start": ["/bin/sleep", "600"]}}
        },
        "artifacts_dir": str(directory / "runs"),
        **more,
    }
