"""Restarts a service by os-faults 0.3.0, once for every line of standard input; runs in an environment of its own.

python predecessor.py '{"cloud_management": …}' SERVICE
"""

from __future__ import annotations

import json
import sys

import os_faults

cloud = os_faults.connect(json.loads(sys.argv[1]))
service = cloud.get_service(sys.argv[2])
nodes = service.get_nodes()
print(os_faults.get_version(), len(nodes), flush=True)
for _line in sys.stdin:
    service.restart(nodes)
    print("done", flush=True)
