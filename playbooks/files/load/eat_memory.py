"""Take memory until the kernel ends this process.

The content is random and locked, so that neither compression nor swap gets between the fault and its end.
"""

import ctypes
import os
import time

MCL_CURRENT, MCL_FUTURE = 1, 2

ctypes.CDLL(None).mlockall(MCL_CURRENT | MCL_FUTURE)
BLOCK = os.urandom(1 << 20)
taken = []
while True:
    try:
        taken.append(bytearray(BLOCK * 8))
    except MemoryError:  # the kernel refuses to promise more; what is taken stays taken
        time.sleep(0.1)
