"""A host that lies: a node with `connection: local` whose Python changes what modules answer.

That is all that a host can do to the controller: answer.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PROGRAM = """\
#!{python} -I
import json
import subprocess
import sys

LIES = json.loads({lies!r})


def laid_over(truth, lie):
    if isinstance(truth, dict) and isinstance(lie, dict):
        return {{**truth, **{{key: laid_over(truth.get(key), value) for key, value in lie.items()}}}}
    return lie


said = subprocess.run([{python!r}, *sys.argv[1:]], stdin=sys.stdin, stdout=subprocess.PIPE, check=False).stdout
try:
    answer = json.loads(said)
except ValueError:  # no answer of a module
    sys.stdout.buffer.write(said)
else:
    for key, lie in LIES.items():
        if key in answer or key == "always":
            answer = laid_over(answer, lie)
    print(json.dumps(answer))
"""


def false_python(folder: Path, lies: dict[str, Any]) -> str:
    """Return the path of an interpreter that lies.

    Args:
        folder: where it is made.
        lies: a key of an answer (``always`` for all answers) → what is laid over the answers that have it.
    """
    path = folder / f"python-{len(list(folder.iterdir()))}"
    path.write_text(PROGRAM.format(python=sys.executable, lies=json.dumps(lies)))
    path.chmod(0o700)
    return str(path)
