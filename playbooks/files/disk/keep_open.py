"""Keep a file without a name open, as descriptor 9, until somebody ends this process.

The file is in the directory that the file ``path`` beside this program names. With the process goes all the space that
it takes, also when the host is reset: a file without a name is nobody's after that.
"""

import os
import signal
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

with open(os.path.join(HERE, "path"), encoding="utf-8") as stream:
    directory = stream.read().rstrip("\n")
with tempfile.TemporaryFile(dir=directory) as file:
    os.dup2(file.fileno(), 9)
    signal.pause()
