"""Runs that other machines do: execution nodes, reached over ssh, each with a share of the nodes.

A share goes through ansible-runner's own stream, ``transmit | ssh WORKER ansible-runner worker | process``. What the
run needs travels with it; what it says comes back and is written down here, as if the run had been here.

* `division`: who takes which nodes;
* `bundle`: what travels;
* `share`: the stream of one worker;
* `answer`: what is taken of what comes back, and `deceit`, its error;
* `said`: what is said beside it;
* `shared_run`: all of them as one run.
"""

from os_faults.ansible.workers.shared_run import SharedRun

__all__ = ["SharedRun"]
